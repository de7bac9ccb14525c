// System calls that glibc 2.36 does not wrap, and those whose wrapper hides what is wanted here.
#pragma once

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

inline pid_t Clone3(clone_args* args) {
  return static_cast<pid_t>(::syscall(SYS_clone3, args, sizeof(*args)));
}

inline int OpenAt2(int dir, const char* path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  int fd;
  int tries = 0;
  do {  // EAGAIN: a rename raced with ".." (openat2(2)); bounded, since it may be an attack
    fd = static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof(how)));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < 64);
  return fd;
}

// A detached copy of what `path` below `dir` (or `dir` itself when empty) shows.
inline Result<Fd> CloneTree(int dir, const std::string& path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (recursive) flags |= AT_RECURSIVE;
  if (path.empty()) flags |= AT_EMPTY_PATH;
  int fd = ::open_tree(dir, path.c_str(), flags);
  if (fd < 0) return Error::Errno(path.empty() ? "open_tree" : "open_tree " + path);
  return Fd(fd);
}

// Attaches the detached mount `mount` to the directory or file `target`, both by descriptor.
inline Status AttachMount(int mount, int target) {
  if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    return Error::Errno("move_mount");
  }
  return OkStatus();
}

inline Status SetMountAttributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation,
                                 bool recursive) {
  mount_attr attr{};
  attr.attr_set = set;
  attr.attr_clr = clear;
  attr.propagation = propagation;
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (::mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0) {
    return Error::Errno("mount_setattr");
  }
  return OkStatus();
}

}  // namespace kpod::runtime
