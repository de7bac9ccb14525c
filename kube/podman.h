// Pod annotations by which Podman's `kube play` says what Kubernetes has no field for: they mean
// the same here, so that manifests written for it go on working. Sources: podman-kube-play(1) and
// podman-kube-generate(1) of Podman 5.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kube/support.h"
#include "kube/types.h"

namespace kpod::kube {

struct PodmanAnnotation {
  std::string_view name;  // of a container: followed by "/" and the container's name
  bool for_all = false;   // also without that: of every container, or of the pod
  bool for_one = false;
  Status status = Status::kNotYet;
  std::string_view meaning;
};
std::span<const PodmanAnnotation> PodmanAnnotations();

// One annotation of a pod as it is written: what it says, and of which container ("": of all).
struct PodmanSetting {
  const PodmanAnnotation* annotation = nullptr;
  std::string container;
};
// Nothing: it is none of Podman's. Without `annotation`: it looks like one, and is not known.
std::optional<PodmanSetting> FindPodmanSetting(std::string_view key);

// "nofile=1024:2048,nproc=-1"; -1 is no limit. The error says what would be right.
Result<std::vector<Ulimit>> ParseUlimits(std::string_view text);
// "0-2,7", as cpuset(7) writes lists.
bool IsCpuList(std::string_view text);
// "one:ro;two": the containers of the pod whose volumes are wanted, and whether only to read.
struct VolumesFrom {
  std::string container;
  bool read_only = false;
};
Result<std::vector<VolumesFrom>> ParseVolumesFrom(std::string_view text);

// Whether a pod, or a template, has the machine's users: its field says so, else the annotation.
bool HasHostUsers(const Json& pod);

// Makes of the annotations what they mean, in the typed pod, but for the users. What is not valid
// was refused before (rules_podman.cc) and is passed over.
void ApplyPodmanAnnotations(const StringMap& annotations, PodSpec* spec);

}  // namespace kpod::kube
