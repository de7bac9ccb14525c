#include "pods/backoff.h"

#include <gtest/gtest.h>

#include <vector>

#include "pods/retry.h"

namespace kpod::pods {
namespace {

constexpr int64_t kSecond = Backoff::kSecond;

TEST(ShouldRestart, ByPolicyAndExitCode) {
  struct Case {
    const char* policy;
    int exit_code;
    bool want;
  };
  for (const Case& c :
       {Case{"Always", 0, true}, Case{"Always", 1, true}, Case{"OnFailure", 0, false},
        Case{"OnFailure", 137, true}, Case{"Never", 0, false}, Case{"Never", 1, false}}) {
    EXPECT_EQ(ShouldRestart(c.policy, c.exit_code), c.want) << c.policy << " " << c.exit_code;
  }
}

TEST(Backoff, DoublesFromTenSecondsToFiveMinutes) {
  Backoff backoff;
  int64_t now = 1000 * kSecond;
  for (int64_t want : {0, 10, 20, 40, 80, 160, 300, 300, 300}) {
    EXPECT_EQ(backoff.NextDelay(now), want * kSecond);
    now += want * kSecond + kSecond;  // it waited, ran for a second, and ended
  }
}

TEST(Backoff, TenMinutesOfRunningMakeItForget) {
  struct Case {
    int64_t ran_seconds;
    int64_t want_seconds;  // of the fourth restart
  };
  for (const Case& c : {Case{1, 40}, Case{599, 40}, Case{600, 40}, Case{601, 0}, Case{86400, 0}}) {
    Backoff backoff;
    int64_t now = kSecond;
    for (int i = 0; i < 3; ++i) now += backoff.NextDelay(now);
    EXPECT_EQ(backoff.NextDelay(now + c.ran_seconds * kSecond), c.want_seconds * kSecond)
        << c.ran_seconds;
  }
}

TEST(Retry, DelaysGrowToFiveMinutes) {
  int attempt = 0;
  for (int64_t want : {10, 20, 40, 80, 160, 300, 300}) {
    EXPECT_EQ(RetryDelayNanos(attempt++), want * kSecond);
  }
  EXPECT_EQ(RetryDelayNanos(1'000'000'000), 300 * kSecond);
}

TEST(Retry, WhatItIsFor) {
  Plan plan;
  plan.containers.emplace_back();
  EXPECT_FALSE(WaitsForRetry(plan));
  for (const auto& [reason, want] :
       {std::pair{"ErrImagePull", true}, std::pair{"ErrImageNeverPull", false},
        std::pair{"InvalidImageName", false}, std::pair{"CreateContainerConfigError", false}}) {
    plan.containers[0].blocked.reason = reason;
    EXPECT_EQ(WaitsForRetry(plan), want) << reason;
  }
  plan.blocked = {"CreateContainerConfigError", "secret \"x\" not found"};
  EXPECT_FALSE(WaitsForRetry(plan));
  plan.blocked.message = "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed";
  EXPECT_TRUE(WaitsForRetry(plan));
}

TEST(Backoff, IsFreshAfterItForgot) {
  Backoff backoff;
  int64_t now = kSecond;
  for (int i = 0; i < 4; ++i) now += backoff.NextDelay(now);
  now += 700 * kSecond;
  EXPECT_EQ(backoff.NextDelay(now), 0);
  EXPECT_EQ(backoff.NextDelay(now + 1), 10 * kSecond);
  EXPECT_EQ(backoff.NextDelay(now + 1 + 10 * kSecond), 20 * kSecond);
}

}  // namespace
}  // namespace kpod::pods
