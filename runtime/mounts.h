// spec.mounts: sources are opened by the parent as detached copies before the container's root
// exists, targets are found by the child inside its root by descriptor, and the two meet by
// move_mount(2). No path of the host is looked up inside, none of the container outside.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/cgroup.h"
#include "runtime/mount_options.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct PreparedMount {
  const Mount* mount = nullptr;
  MountOptions options;
  Fd tree;  // bind mounts, and the fallback of file systems a user namespace may not mount
  bool is_directory = true;
  std::string label;  // SELinux: of the root of a new file system
};

// `user_namespace`: the container gets one or the caller is in one, where sysfs and procfs may be
// refused, and the machine's own stand in. `map`: the user namespace by which mounts with "idmap"
// have owners, or -1.
Result<std::vector<PreparedMount>> PrepareMounts(const Spec& spec, bool user_namespace, int map);

// In the child, with the container's root as root directory (`root`).
Status ApplyMount(int root, PreparedMount* mount, const std::vector<PreparedMount>& cgroups);
// A new instance of a file system, detached.
Result<Fd> NewFilesystem(const Mount& mount, const MountOptions& options);
// The container's groups of a v1 or hybrid host, for a mount of type "cgroup"; empty on pure v2.
Result<std::vector<PreparedMount>> PrepareCgroupMounts(const Spec& spec, const Cgroup* cgroup);

// masks.cc. Over what is there already: read-only, or masked by the null device or an empty
// directory. Paths that do not exist are skipped.
Status ApplyReadonlyPaths(int root, const std::vector<std::string>& paths);
// `null_tree` is a detached copy of the real null device (CVE-2025-31133), see NullDevice.
Status ApplyMaskedPaths(int root, const std::vector<std::string>& paths, Fd null_tree);
Result<Fd> NullDevice();  // detached; verified to be character device 1:3

}  // namespace kpod::runtime
