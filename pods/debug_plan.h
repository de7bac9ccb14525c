// The plan of a container that kpod debug puts beside those of a running pod: Kubernetes' ephemeral
// container, as kubectl debug makes one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pods/lookups.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::pods {

struct DebugRequest {
  std::string name;  // "": debugger-xxxxx
  std::string image, pull_policy;
  std::vector<std::string> command, env;  // command empty: the image's; env: NAME=value
  bool input = false, tty = false;
};

// With the pod's own security context, and SYS_PTRACE beside it (the profile "general" of kubectl
// debug). The image is fetched where it is missing.
Result<ContainerPlan> MakeDebugPlan(const store::Paths& paths, const PodRecord& pod,
                                    const DebugRequest& request, const LookupOptions& options);

}  // namespace kpod::pods
