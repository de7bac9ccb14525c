// The words of mount(8) that an OCI configuration uses, as attributes of mount_setattr(2) and
// parameters of fsconfig(2). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct MountOptions {
  bool bind = false, recursive = false;
  uint64_t set = 0, clear = 0;                      // MOUNT_ATTR_* of the mount itself
  uint64_t recursive_set = 0, recursive_clear = 0;  // of everything below it: rro, rnosuid ...
  uint64_t propagation = 0;                         // MS_PRIVATE ...; 0: nothing said
  bool propagation_recursive = false;
  std::vector<std::string> flags;                         // fsconfig flags: sync, dirsync ...
  std::vector<std::pair<std::string, std::string>> data;  // the file system's own parameters
  bool copy_up = false;  // tmpcopyup: the tmpfs starts with what the image has there
  std::string subpath;   // kpod.subpath=REL
  bool has_subpath = false;
  bool map_owners = false, map_recursive = false;  // idmap, ridmap: by the container's namespace
};

Result<MountOptions> ParseMountOptions(const Mount& mount);

}  // namespace kpod::runtime
