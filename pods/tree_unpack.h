// A tar stream -> files below a directory of the caller's world (which may be a container's:
// runtime/among_files.h). Both the stream and the directory may be hostile, and the latter may
// change meanwhile: below the directory that the caller named no link is followed, no name leads
// out of it, and no file is opened that was not made here.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "pods/tree_pack.h"

namespace kpod::pods {

struct UnpackOptions {
  enum class What {
    kArchive,   // the entries, below `path`, which is a directory
    kTree,      // one tree whose names begin with "."; it becomes `path`, or `name` in it when that
                // is a directory (cp(1), podman-cp(1))
    kContents,  // likewise, and what the tree's directory holds comes into the directory `path`
  };
  What what = What::kTree;
  std::string path, name;
  enum class Owner {
    kCaller,  // whoever makes them
    kGiven,   // uid, gid
    kStream,  // as the stream says
  };
  Owner owner = Owner::kCaller;
  uid_t uid = 0;
  gid_t gid = 0;
  bool overwrite = false;  // a directory by something else, and the reverse
  // On the caller's own machine: no setuid, setgid and sticky bits, no pipes, and `path` may be a
  // device or go through /proc/self/fd and its like. Device nodes are made nowhere.
  bool own_machine = false;
};

Result<CopyNotes> UnpackTree(int fd, const UnpackOptions& options);

}  // namespace kpod::pods
