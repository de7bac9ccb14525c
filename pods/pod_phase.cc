#include "pods/pod_phase.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::pods {

bool AreInitialized(const Plan& plan, const std::vector<ContainerStatus>& init) {
  if (init.size() < plan.init_containers.size()) return false;
  for (size_t i = 0; i < plan.init_containers.size(); ++i) {
    const ContainerState& s = init[i].state;
    bool well = plan.init_containers[i].sidecar ? init[i].started
                                                : s.terminated && s.terminated->exit_code == 0;
    if (!well) return false;
  }
  return true;
}

std::string PhaseOf(const PodStatus& status, bool over) {
  auto failed = [](const ContainerStatus& c) {
    return c.state.terminated && c.state.terminated->exit_code != 0;
  };
  if (!status.initialized) {
    // An init container that failed for good takes the pod with it.
    bool any = std::any_of(status.init_containers.begin(), status.init_containers.end(), failed);
    return over && any ? "Failed" : "Pending";
  }
  bool any_began = false;
  bool all_ended = true;
  bool any_failed = false;
  for (const ContainerStatus& c : status.containers) {
    const ContainerState& s = c.state;
    any_began = any_began || s.running || s.terminated || c.last_state.terminated;
    all_ended = all_ended && s.terminated;
    any_failed = any_failed || failed(c);
  }
  if (over && all_ended) return any_failed ? "Failed" : "Succeeded";
  return any_began ? "Running" : "Pending";
}

namespace {

std::string Names(const char* what, const std::vector<std::string>& names) {
  return StrCat("containers with ", what, " status: [", Join(names, " "), "]");
}

Condition InitializedOf(const Plan& plan, const PodStatus& status) {
  Condition c{"Initialized", true};
  if (status.initialized) {
    if (status.phase == "Succeeded") c.reason = "PodCompleted";
    return c;
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < plan.init_containers.size(); ++i) {
    const ContainerStatus* s =
        i < status.init_containers.size() ? &status.init_containers[i] : nullptr;
    bool done = s != nullptr && s->state.terminated && s->state.terminated->exit_code == 0;
    bool up = plan.init_containers[i].sidecar && s != nullptr && s->started;
    if (!done && !up) names.push_back(plan.init_containers[i].name);
  }
  return {"Initialized", false, 0, "ContainersNotInitialized", Names("incomplete", names)};
}

Condition ContainersReadyOf(const PodStatus& status) {
  Condition c{"ContainersReady", false};
  if (status.phase == "Succeeded") {
    c.reason = "PodCompleted";
    return c;
  }
  if (status.phase == "Failed") {
    c.reason = "PodFailed";
    return c;
  }
  std::vector<std::string> names;
  for (const ContainerStatus& s : status.init_containers) {
    // Of the init containers the sidecars count: they are there as long as the pod is.
    if (s.sidecar && !s.ready) names.push_back(s.name);
  }
  for (const ContainerStatus& s : status.containers) {
    if (!s.ready) names.push_back(s.name);
  }
  c.status = names.empty();
  if (!c.status) {
    c.reason = "ContainersNotReady";
    c.message = Names("unready", names);
  }
  return c;
}

}  // namespace

std::vector<Condition> ConditionsOf(const Plan& plan, const PodStatus& status, int64_t now) {
  Condition ready = ContainersReadyOf(status);
  Condition pod_ready = ready;
  pod_ready.type = "Ready";
  std::vector<Condition> out = {
      {"PodReadyToStartContainers", status.supervisor_pid != 0},
      InitializedOf(plan, status),
      pod_ready,
      ready,
      {"PodScheduled", true},
  };
  for (Condition& c : out) {
    c.transition_nanos = now;
    for (const Condition& before : status.conditions) {
      if (before.type == c.type && before.status == c.status)
        c.transition_nanos = before.transition_nanos;
    }
  }
  return out;
}

}  // namespace kpod::pods
