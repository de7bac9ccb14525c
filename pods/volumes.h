// A pod's volumes on disk: below <pod>/volumes/<name> for those that live and die with the pod,
// below <root>/volumes/<namespace>_<claim> for claims, at their own path for hostPath.
#pragma once

#include <string>

#include "base/result.h"
#include "kube/types.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

// Where a container's mount of the volume comes from.
std::string VolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);
// Where its mounts with Bidirectional propagation come from: in the supervisor's mount namespace, a
// mount in one peer group with the host's. "" for kinds that are the pod's alone.
std::string SharedVolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);
std::string ClaimPath(const store::Paths& paths, const std::string& ns, const std::string& claim);

// Makes the directories (emptyDir, claims), gives them to the fsGroup, and checks or makes
// hostPaths by their type. Run by the manager.
Status PrepareVolume(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);

}  // namespace kpod::pods
