// What volumes made of objects hold (configMap, secret, downwardAPI, projected), and how it is
// written: as the kubelet's AtomicWriter does, so that a reader sees the old set of files or the
// new.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/types.h"
#include "pods/make_plan.h"
#include "pods/plan.h"

namespace kpod::pods {

bool IsPayload(const VolumePlan& volume);
// Never on a disk, since it may hold Secrets and tokens: the supervisor mounts a tmpfs that only
// its own mount namespace sees, and writes it. ConfigMaps lie on disk, where the command writes
// them.
bool IsSecretPayload(const VolumePlan& volume);

// One file; `path` is relative, checked, and may have directories.
struct PayloadFile {
  std::string path, content;
  int mode = 0644;
  std::optional<uint32_t> owner;  // else root
};

// What the keyed volume shall hold. An item that names a missing key is an error unless the volume
// is optional.
Result<std::vector<PayloadFile>> PayloadFor(const kube::KeyedVolume& volume,
                                            const kube::StringMap& data, bool secret);

using TokenMaker = std::function<Result<std::string>(const TokenPlan& token)>;
// The files of a payload volume, sorted by path; of two sources that name one path the later wins.
// nullopt while an object that is not optional is missing: the plan is blocked.
Result<std::optional<std::vector<PayloadFile>>> PayloadOf(const Lookups& lookups,
                                                          const VolumePlan& volume,
                                                          const TokenMaker& token);

// Whether a ConfigMap that is missing counts as an empty one. In a cluster each namespace has this
// one, and manifests that were read from a cluster mount it; here no API server needs its
// certificate.
bool IsOfEveryNamespace(const std::string& config_map);

// A new "..<time>" directory, then "..data" renamed over. Does nothing when the content is the same
// already.
Status WritePayload(const std::string& directory, const std::vector<PayloadFile>& files,
                    std::optional<int64_t> fs_group);

}  // namespace kpod::pods
