// Whether and when a container that ended starts again. Pure.
// Source: Kubernetes pod lifecycle: the first restart is at once, then 10 s doubling to 5 min, and
// a container that has run for 10 minutes starts afresh (kubelet's flowcontrol.Backoff expires
// after twice its maximum).
#pragma once

#include <cstdint>

#include "pods/plan.h"

namespace kpod::pods {

// By the first of its rules that matches, else by its policy. An init container that is no sidecar
// does not come again after it ended well, whatever the policy says.
bool WillRestart(const ContainerPlan& container, bool init, int exit_code);
// A rule wants the whole pod to start anew (RestartAllContainers, KEP-5532).
bool RestartsAll(const ContainerPlan& container, int exit_code);

class Backoff {
 public:
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kInitial = 10 * kSecond;
  static constexpr int64_t kMaximum = 300 * kSecond;

  // The container ended at `now` (monotonic nanoseconds): how long to wait before it starts again.
  int64_t NextDelay(int64_t now);

 private:
  int64_t delay_ = 0;
  int64_t updated_ = 0;
};

}  // namespace kpod::pods
