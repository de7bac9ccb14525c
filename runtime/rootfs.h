// The container's root file system, as a detached mount: no path of the host shows it, so nothing
// can leak. Made by the parent, whose rights to the layers the child may not have (user namespace),
// and handed to the child by fork.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/container.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct PreparedRoot {
  Fd mount;                      // detached
  std::optional<Rootfs> legacy;  // kernels before 6.5: the child mounts these layers instead
  bool user_namespace = false;
  std::string label;  // SELinux; "": none
};

// `map`: the user namespace that Rootfs::map_owners speaks of.
Result<PreparedRoot> PrepareRoot(const Spec& spec, const Rootfs& rootfs, bool in_user_namespace,
                                 int map);

// In the child's mount namespace: the descriptor of the root, attached over "/".
Result<Fd> AttachRoot(PreparedRoot prepared);
// Makes it the root directory and lets go of the host's mounts.
Status EnterRoot(int root);

// The layers, top first, as one read-only tree at the directory `target` of this process' own mount
// namespace: nothing of it is run, no device of it is one. `map` >= 0: as that user namespace maps
// their owners.
Status MountLayers(const std::vector<std::string>& layers, const std::string& target, int map);

// Options for mount(2) from the layers; for kernels without "lowerdir+". Pure.
std::string LegacyOverlayOptions(const std::vector<int>& lower, int upper, int work,
                                 bool user_namespace, const std::string& label = "");

}  // namespace kpod::runtime
