// A pod's volumes on disk: below <pod>/volumes/<name> for those that live and die with the pod,
// below <root>/volumes/<namespace>_<claim> for claims, at their own path for hostPath.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "kube/types.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

// Whether containers write it and the pod's directories hold it: emptyDir, ephemeral, claims.
bool IsOnDisk(const VolumePlan& volume);

// Where a container's mount of the volume comes from.
std::string VolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);
// Where its mounts with Bidirectional propagation come from: in the supervisor's mount namespace, a
// mount in one peer group with the host's. "" for kinds that are the pod's alone.
std::string SharedVolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);
std::string ClaimPath(const store::Paths& paths, const std::string& ns, const std::string& claim);

// Makes the directories (emptyDir, claims), gives them to the fsGroup, and checks or makes
// hostPaths by their type. Run by the manager.
Status PrepareVolume(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);

// Mounts the images of volumes whose layers are known, in the supervisor's own mount namespace and
// once in the pod's life (with owners as the pod's user namespace maps them, or -1): `mounted` has
// the names of those that are.
Status MountImageVolumes(const store::Paths& paths, const Plan& plan, int user_namespace,
                         std::set<std::string>* mounted);

// The kubelet's words: MountVolume.SetUp failed for volume "x" : ...
std::string MountFailure(const VolumePlan& volume);

}  // namespace kpod::pods
