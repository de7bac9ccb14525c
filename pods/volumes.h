// A pod's volumes on disk: below <pod>/volumes/<name> for those that live and die with the pod,
// below <root>/volumes/<namespace>_<claim> for claims, at their own path for hostPath.
#pragma once

#include <map>
#include <string>
#include <vector>

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

// One file of a configMap or secret volume; `path` is relative, checked, and may have directories.
struct PayloadFile {
  std::string path, content;
  int mode = 0644;
};
// What the volume shall hold. An item that names a missing key is an error unless the volume is
// optional.
Result<std::vector<PayloadFile>> PayloadFor(const kube::KeyedVolume& volume,
                                            const kube::StringMap& data, bool secret);

// Writes the payload as the kubelet's AtomicWriter does: a new "..<time>.<n>" directory, then
// "..data" renamed over, so that a reader sees the old set of files or the new. Does nothing when
// the content is the same already.
Status WritePayload(const std::string& directory, const std::vector<PayloadFile>& files,
                    std::optional<int64_t> fs_group);

// Makes the directories (emptyDir, claims), gives them to the fsGroup, and checks or makes
// hostPaths by their type. Run by the manager.
Status PrepareVolume(const store::Paths& paths, const Plan& plan, const VolumePlan& volume);

}  // namespace kpod::pods
