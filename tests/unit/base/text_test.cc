#include "base/text.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/files.h"

namespace kpod {
namespace {

TEST(Text, Base64RoundTripAndRefusal) {
  for (std::string s : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(Base64Decode(Base64Encode(s)), s);
  for (std::string_view bad : {"YQ", "YQ=", "Y===", "Y@==", "YQ==x", "===="}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
}

TEST(Text, DidYouMeanFindsNearWordsOnly) {
  std::vector<std::string> known = {"containers", "hostname", "volumes"};
  EXPECT_EQ(DidYouMean("continers", known), "containers");
  EXPECT_EQ(DidYouMean("hostName", known), "hostname");
  EXPECT_EQ(DidYouMean("zzz", known), "");
}

TEST(Text, HumanBytes) {
  EXPECT_EQ(HumanBytes(999), "999B");
  EXPECT_EQ(HumanBytes(1500), "1.5kB");
  EXPECT_EQ(HumanBytes(25'000'000), "25MB");
}

TEST(Clock, TimeRoundTrip) {
  auto t = ParseTime("2026-01-02T03:04:05.000000006Z");
  ASSERT_TRUE(t);
  EXPECT_EQ(FormatTimeNano(*t), "2026-01-02T03:04:05.000000006Z");
  EXPECT_EQ(ParseTime("2026-01-02T05:04:05+02:00"), ParseTime("2026-01-02T03:04:05Z"));
  for (std::string_view bad :
       {"", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

TEST(Clock, Durations) {
  EXPECT_EQ(ParseDuration("1h30m"), 5400'000'000'000);
  EXPECT_EQ(ParseDuration("1.5s"), 1500'000'000);
  for (std::string_view bad : {"", "5", "s", "5x", "1e3s"}) EXPECT_FALSE(ParseDuration(bad)) << bad;
  const std::pair<int64_t, std::string_view> printed[] = {
      {0, "0s"},
      {1, "1ns"},
      {1'500, "1.5µs"},
      {250'000'000, "250ms"},
      {1'000'000'000, "1s"},
      {1'500'000'000, "1.5s"},
      {60'000'000'000, "1m0s"},
      {90'000'000'000, "1m30s"},
      {3'600'000'000'000, "1h0m0s"},
      {3'661'000'000'000, "1h1m1s"},
      {-2'000'000'000, "-2s"},
  };
  for (const auto& [nanos, text] : printed) {
    EXPECT_EQ(FormatDuration(nanos), text);
    EXPECT_EQ(ParseDuration(text), nanos);
  }
  EXPECT_EQ(HumanDuration(119'000'000'000), "119s");
  EXPECT_EQ(HumanDuration(192'000'000'000), "3m12s");
}

TEST(Files, CleanPath) {
  EXPECT_EQ(CleanPath("/a/../../b/./c//"), "/b/c");
  EXPECT_EQ(CleanPath("../a/.."), "..");
  EXPECT_EQ(CleanPath("/"), "/");
}

}  // namespace
}  // namespace kpod
