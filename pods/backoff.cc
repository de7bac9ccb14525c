#include "pods/backoff.h"

#include <algorithm>

namespace kpod::pods {

bool ShouldRestart(const std::string& policy, int exit_code) {
  return policy == "Always" || (policy == "OnFailure" && exit_code != 0);
}

int64_t Backoff::NextDelay(int64_t now) {
  if (delay_ != 0 && now - updated_ > 2 * kMaximum) delay_ = 0;
  int64_t wait = delay_;
  delay_ = delay_ == 0 ? kInitial : std::min(2 * delay_, kMaximum);
  updated_ = now + wait;
  return wait;
}

}  // namespace kpod::pods
