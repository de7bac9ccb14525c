#include "pods/backoff.h"

#include <gtest/gtest.h>

#include <vector>

#include "pods/retry.h"

namespace kpod::pods {
namespace {

constexpr int64_t kSecond = Backoff::kSecond;

TEST(WillRestart, ByPolicyKindAndExitCode) {
  struct Case {
    const char* policy;
    bool init, sidecar;
    int exit_code;
    bool want;
  };
  for (const Case& c : std::vector<Case>{{"Always", false, false, 0, true},
                                         {"Always", false, false, 1, true},
                                         {"OnFailure", false, false, 0, false},
                                         {"OnFailure", false, false, 137, true},
                                         {"Never", false, false, 0, false},
                                         {"Never", false, false, 1, false},
                                         {"Always", true, false, 0, false},
                                         {"Always", true, false, 1, true},
                                         {"OnFailure", true, false, 1, true},
                                         {"Never", true, false, 1, false},
                                         {"Always", true, true, 0, true}}) {
    ContainerPlan plan;
    plan.restart_policy = c.policy;
    plan.sidecar = c.sidecar;
    EXPECT_EQ(WillRestart(plan, c.init, c.exit_code), c.want)
        << c.policy << " " << c.init << c.sidecar << " " << c.exit_code;
  }
}

TEST(WillRestart, ByTheFirstRuleThatMatches) {
  ContainerPlan plan;
  plan.restart_policy = "Never";
  plan.restart_rules = {{"Restart", "In", {42, 43}}, {"RestartAllContainers", "NotIn", {0, 1, 42}}};
  EXPECT_TRUE(WillRestart(plan, false, 42));
  EXPECT_FALSE(RestartsAll(plan, 42));
  EXPECT_TRUE(RestartsAll(plan, 7));
  EXPECT_TRUE(WillRestart(plan, true, 7));
  EXPECT_FALSE(WillRestart(plan, false, 1));
  EXPECT_FALSE(RestartsAll(plan, 0));
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
