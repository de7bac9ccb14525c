// Paths inside a container's root. Nothing that the image or a volume holds (symbolic links, ".."
// , magic links of /proc) leads out of it: every step is openat2(2) with RESOLVE_IN_ROOT and
// RESOLVE_NO_MAGICLINKS (CVE-2021-30465, CVE-2025-31133, CVE-2025-52565), and what was found is
// used by descriptor, so that it cannot be exchanged between the look and the use.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

Result<Fd> OpenInside(int root, const std::string& path, int flags);
// For reading, and a regular file: opening a device has effects, and to a process outside of the
// container's group the machine's devices are open.
Result<Fd> RegularFileInside(int root, const std::string& path);
// O_PATH descriptors of a directory or file, which is made (with its parents) when absent. A
// dangling link on the way is followed inside the root, as /var/run -> /run needs it.
Result<Fd> DirectoryInside(int root, const std::string& path, mode_t mode = 0755);
// As DirectoryInside, but `path` itself may not be a symbolic link: procfs, sysfs and /dev go where
// their names say, or a later mount could hide them from the container (CVE-2023-27561).
Result<Fd> RealDirectoryInside(int root, const std::string& path, mode_t mode = 0755);
Result<Fd> FileInside(int root, const std::string& path, mode_t mode = 0644);

// A volume's subPath: `relative` below `base`, made as a directory with the mode of the base when
// absent, as the kubelet does. Links may be followed as long as they stay below the base;
// Kubernetes refuses those that leave it.
Result<Fd> OpenBeneath(int base, const std::string& relative);

}  // namespace kpod::runtime
