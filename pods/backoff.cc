#include "pods/backoff.h"

#include <algorithm>

namespace kpod::pods {

namespace {

const kube::RestartRule* MatchingRule(const ContainerPlan& c, int exit_code) {
  for (const kube::RestartRule& r : c.restart_rules) {
    bool listed =
        std::find(r.exit_codes.begin(), r.exit_codes.end(), exit_code) != r.exit_codes.end();
    if (listed == (r.exit_codes_op == "In")) return &r;
  }
  return nullptr;
}

}  // namespace

bool WillRestart(const ContainerPlan& c, bool init, int exit_code) {
  if (MatchingRule(c, exit_code) != nullptr) return true;
  if (init && !c.sidecar) return c.restart_policy != "Never" && exit_code != 0;
  return c.restart_policy == "Always" || (c.restart_policy == "OnFailure" && exit_code != 0);
}

bool RestartsAll(const ContainerPlan& c, int exit_code) {
  const kube::RestartRule* rule = MatchingRule(c, exit_code);
  return rule != nullptr && rule->action == "RestartAllContainers";
}

int64_t Backoff::NextDelay(int64_t now) {
  if (delay_ != 0 && now - updated_ > 2 * kMaximum) delay_ = 0;
  int64_t wait = delay_;
  delay_ = delay_ == 0 ? kInitial : std::min(2 * delay_, kMaximum);
  updated_ = now + wait;
  return wait;
}

}  // namespace kpod::pods
