#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/inside.h"
#include "runtime/mounts.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {

Status ApplyReadonlyPaths(int root, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    Result<Fd> target = OpenInside(root, path, O_PATH);
    if (!target && target.error().code() == ENOENT) continue;
    Fd at = TRY(std::move(target));
    Fd tree = TRY(CloneTree(at.get(), "", true).Context("read-only " + path));
    TRY(SetMountAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, true).Context(path));
    TRY(AttachMount(tree.get(), at.get()).Context("read-only " + path));
  }
  return OkStatus();
}

Result<Fd> NullDevice() {
  Fd null = TRY(Open("/dev/null", O_PATH | O_NOFOLLOW));
  struct stat st;
  if (::fstat(null.get(), &st) < 0) return Error::Errno("/dev/null");
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
    return Error("/dev/null is not the null device");
  }
  return CloneTree(null.get(), "", false);
}

Status ApplyMaskedPaths(int root, const std::vector<std::string>& paths, Fd null_tree) {
  // The first use attaches the tree itself; the next ones copy what is attached by then, since a
  // detached tree cannot be copied on older kernels.
  bool null_attached = false;
  Fd empty;
  for (const std::string& path : paths) {
    Result<Fd> target = OpenInside(root, path, O_PATH);
    if (!target && (target.error().code() == ENOENT || target.error().code() == ENOTDIR)) continue;
    Fd at = TRY(std::move(target).Context("mask"));
    struct stat st;
    if (::fstat(at.get(), &st) < 0) return Error::Errno("mask " + path);
    bool directory = S_ISDIR(st.st_mode);
    if (directory && !empty) {
      Mount tmpfs{path, "tmpfs", "tmpfs", {}};
      MountOptions options;
      options.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
      options.data = {{"size", "4k"}, {"nr_inodes", "2"}};
      empty = TRY(NewFilesystem(tmpfs, options));
      TRY(AttachMount(empty.get(), at.get()).Context("mask " + path));
    } else if (!directory && !null_attached) {
      TRY(AttachMount(null_tree.get(), at.get()).Context("mask " + path));
      null_attached = true;
    } else {
      Fd copy = TRY(CloneTree(directory ? empty.get() : null_tree.get(), "", false));
      TRY(AttachMount(copy.get(), at.get()).Context("mask " + path));
    }
  }
  return OkStatus();
}

}  // namespace kpod::runtime
