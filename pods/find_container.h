// The container that a command means, and where it runs now.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "pods/status.h"
#include "runtime/cgroup.h"
#include "store/paths.h"

namespace kpod::pods {

// "": the one that the annotation kubectl.kubernetes.io/default-container names, else the first.
Result<const ContainerPlan*> FindContainer(const Plan& plan, const std::string& name);
// Null when the supervisor has not reported it.
const ContainerStatus* FindStatus(const PodStatus& status, const std::string& name);

struct RunningContainer {
  const ContainerPlan* plan = nullptr;  // of the record that was given
  pid_t pid = -1;                       // its first process, as the host numbers it
  runtime::Cgroup cgroup;
};
// An error when it does not run.
Result<RunningContainer> FindRunning(const store::Paths& paths, const PodRecord& pod,
                                     const std::string& name);

}  // namespace kpod::pods
