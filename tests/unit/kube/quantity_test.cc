#include "kube/quantity.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace kpod::kube {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

struct Case {
  std::string in, text;
  int64_t value, milli;
};

TEST(Quantity, ParsesAndPrintsAsKubernetesDoes) {
  const Case cases[] = {
      {"0", "0", 0, 0},
      {"0Gi", "0", 0, 0},
      {"-0", "0", 0, 0},
      {"000", "0", 0, 0},
      {"1", "1", 1, 1000},
      {"+1", "1", 1, 1000},
      {"-1", "-1", -1, -1000},
      {"100m", "100m", 1, 100},
      {"1500m", "1500m", 2, 1500},
      {"-1500m", "-1500m", -2, -1500},
      {"1000m", "1", 1, 1000},
      {"0.5", "500m", 1, 500},
      {".5", "500m", 1, 500},
      {"5.", "5", 5, 5000},
      {"0.1", "100m", 1, 100},
      {"1.5", "1500m", 2, 1500},
      {"100", "100", 100, 100000},
      {"1000", "1k", 1000, 1000000},
      {"1024", "1024", 1024, 1024000},
      {"1k", "1k", 1000, 1000000},
      {"1.1k", "1100", 1100, 1100000},
      {"1000k", "1M", 1000000, 1000000000},
      {"5M", "5M", 5000000, 5000000000},
      {"1e3", "1e3", 1000, 1000000},
      {"1E3", "1e3", 1000, 1000000},
      {"1.5e3", "1500", 1500, 1500000},
      {"1e4", "10e3", 10000, 10000000},
      {"1e-3", "1e-3", 1, 1},
      {"1e+3", "1e3", 1000, 1000000},
      {"12E", "12E", kMax, kMax},
      {"1E", "1E", 1000000000000000000, kMax},
      {"1000E", "1000E", kMax, kMax},
      {"1Ki", "1Ki", 1024, 1024000},
      {"1024Ki", "1Mi", 1048576, 1048576000},
      {"1.5Gi", "1536Mi", 1610612736, 1610612736000},
      {"0.5Ki", "512", 512, 512000},
      {"128Mi", "128Mi", 134217728, 134217728000},
      {"1536Ki", "1536Ki", 1572864, 1572864000},
      {"1000Ki", "1000Ki", 1024000, 1024000000},
      {"1.3Ki", "1331200m", 1332, 1331200},
      {"-1Gi", "-1Gi", -1073741824, -1073741824000},
      {"7Ei", "7Ei", 8070450532247928832, kMax},
      {"8Ei", "9223372036854775807", kMax, kMax},
      {"-100Ei", "-9223372036854775807", -kMax, -kMax},
      {"1n", "1n", 1, 1},
      {"0.1n", "1n", 1, 1},
      {"1.1n", "2n", 1, 1},
      {"999999999.9n", "1", 1, 1000},
      {"-0.1n", "-1n", -1, -1},
      {"1e-99", "1e-9", 1, 1},
      {"0.0000000001Ki", "103n", 1, 1},
      {"1u", "1u", 1, 1},
      {"100000u", "100m", 1, 100},
      {"9223372036854775807", "9223372036854775807", kMax, kMax},
      {"9223372036854775808", "9223372036854775808", kMax, kMax},
      {"1e20", "100e18", kMax, kMax},
      {"-1e20", "-100e18", -kMax, -kMax},
      {"1e99999999999999999999", "10e1099511627775", kMax, kMax},
      {"1e-99999999999999999999", "1e-9", 1, 1},
      {"0e99999999999999999999", "0", 0, 0},
      {std::string(100000, '9') + "Ei", "9223372036854775807", kMax, kMax},
      {"0." + std::string(100000, '0') + "1", "1n", 1, 1},
  };
  for (const Case& c : cases) {
    auto q = ParseQuantity(c.in);
    ASSERT_TRUE(q.ok()) << c.in << ": " << q.error().message();
    EXPECT_EQ(q->text, c.text) << c.in;
    EXPECT_EQ(q->Value(), c.value) << c.in;
    EXPECT_EQ(q->MilliValue(), c.milli) << c.in;
    if (c.in.size() > 1000) continue;
    auto again = ParseQuantity(q->text);
    ASSERT_TRUE(again.ok()) << q->text;
    EXPECT_EQ(*again, *q) << q->text;
    EXPECT_EQ(again->text, q->text);
  }
}

TEST(Quantity, RefusesWhatIsNone) {
  const char* format =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const char* suffix = "unable to parse quantity's suffix";
  struct {
    std::string_view in, error;
  } cases[] = {
      {"", format},       {"x", format},     {"-", format},   {".", format},     {"Gi", format},
      {"1 ", format},     {" 1", format},    {"1GB", format}, {"1.1.1", format}, {"1,5", format},
      {"1+1.0M", format}, {"0.1am", format}, {"--1", format}, {"1i", suffix},    {"1mi", suffix},
      {"1K", suffix},     {"1e", suffix},    {"1e-", suffix}, {"1Kii", suffix},  {"1kk", suffix},
      {"1e3k", format},   {"0x10", format},  {"1ki", suffix},
  };
  for (const auto& c : cases) {
    auto q = ParseQuantity(c.in);
    ASSERT_FALSE(q.ok()) << c.in;
    EXPECT_EQ(q.error().message(), c.error) << c.in;
  }
}

TEST(Quantity, ComparesByValue) {
  auto q = [](std::string_view s) { return ParseQuantity(s).value_or(Quantity{}); };
  EXPECT_EQ(q("1Gi"), q("1024Mi"));
  EXPECT_EQ(q("0.5"), q("500m"));
  EXPECT_LT(q("100m"), q("0.2"));
  EXPECT_LT(q("-1"), q("-500m"));
  EXPECT_LT(q("-500m"), q("0"));
  EXPECT_GT(q("1G"), q("900Mi"));
  EXPECT_EQ(q("-500m").Sign(), -1);
  EXPECT_EQ(q("0").Sign(), 0);
  EXPECT_EQ(q("1n").Sign(), 1);
}

TEST(Quantity, TakesNumbers) {
  EXPECT_EQ(QuantityFrom(Json(2))->text, "2");
  EXPECT_EQ(QuantityFrom(Json(0.5))->text, "500m");
  EXPECT_EQ(QuantityFrom(Json("1Gi"))->text, "1Gi");
  EXPECT_FALSE(QuantityFrom(Json(true)).ok());
  EXPECT_FALSE(QuantityFrom(Json()).ok());
}

}  // namespace
}  // namespace kpod::kube
