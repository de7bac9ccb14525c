#include "network/namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdlib>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"

namespace kpod::network {

Result<Fd> CurrentNamespace() { return Open("/proc/thread-self/ns/net", O_RDONLY); }

bool SameNamespace(int a, int b) {
  struct stat x, y;
  return ::fstat(a, &x) == 0 && ::fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

Result<InNamespace> InNamespace::Enter(int netns_fd) {
  InNamespace scope(TRY(CurrentNamespace()));
  if (::setns(netns_fd, CLONE_NEWNET) < 0) return Error::Errno("enter network namespace");
  return scope;
}

InNamespace::~InNamespace() {
  if (!before_.valid()) return;  // moved from
  // Going on in the wrong namespace would configure the wrong machine: there is no way to go on.
  if (::setns(before_.get(), CLONE_NEWNET) < 0) std::abort();
}

Result<Fd> SocketIn(int netns_fd, int domain, int type, int protocol) {
  std::optional<InNamespace> scope;
  if (netns_fd >= 0) scope.emplace(TRY(InNamespace::Enter(netns_fd)));
  Fd fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
  if (!fd) return Error::Errno("socket");
  return fd;
}

Status WriteSysctlIn(int netns_fd, const std::string& name, std::string_view value) {
  InNamespace scope = TRY(InNamespace::Enter(netns_fd));
  return WriteFile("/proc/sys/" + name, value);
}

Result<std::string> ReadSysctlIn(int netns_fd, const std::string& name) {
  InNamespace scope = TRY(InNamespace::Enter(netns_fd));
  std::string text = TRY(ReadFile("/proc/sys/" + name, 4096));
  return std::string(Trim(text));
}

bool IsNamespace(int fd) {
  struct statfs fs;
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

namespace {

Status InMountNamespace(int mount_namespace_fd, const std::function<Status()>& act) {
  Result<std::string> done = RunInChild([&]() -> Result<std::string> {
    // Fails with EINVAL only for a process with threads, which a fresh child is not.
    if (::setns(mount_namespace_fd, CLONE_NEWNS) < 0) {
      return Error::Errno("enter mount namespace");
    }
    TRY(act());
    return std::string();
  });
  if (!done) return std::move(done.error());
  return OkStatus();
}

bool IsMountPoint(const std::string& path) {
  struct stat self, parent;
  if (::lstat(path.c_str(), &self) < 0 || ::lstat(Dirname(path).c_str(), &parent) < 0) return false;
  Result<std::string> table = ReadFile("/proc/self/mountinfo");
  if (!table) return false;
  for (const std::string& line : Split(*table, '\n')) {
    std::vector<std::string> fields = Split(line, ' ');
    if (fields.size() > 4 && fields[4] == path) return true;
  }
  return false;
}

}  // namespace

Status PinNewNamespace(int mount_namespace_fd, const std::string& directory,
                       const std::string& name) {
  return InMountNamespace(mount_namespace_fd, [&]() -> Status {
    TRY(MakeDirs(directory));
    if (!IsMountPoint(directory)) {
      if (::mount(directory.c_str(), directory.c_str(), nullptr, MS_BIND, nullptr) < 0) {
        return Error::Errno("bind " + directory);
      }
    }
    if (::mount(nullptr, directory.c_str(), nullptr, MS_PRIVATE, nullptr) < 0) {
      return Error::Errno("make private " + directory);
    }
    std::string path = JoinPath(directory, name);
    Fd file = TRY(Open(path, O_RDONLY | O_CREAT, 0400));
    if (::unshare(CLONE_NEWNET) < 0) return Error::Errno("new network namespace");
    if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) < 0) {
      return Error::Errno("pin network namespace at " + path);
    }
    return OkStatus();
  });
}

Status UnpinNamespace(int mount_namespace_fd, const std::string& directory,
                      const std::string& name) {
  return InMountNamespace(mount_namespace_fd, [&]() -> Status {
    std::string path = JoinPath(directory, name);
    // Once for each time somebody pinned over it; EINVAL: nothing is mounted there.
    while (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    ::unlink(path.c_str());
    while (::umount2(directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return Error::Errno("remove " + path);
    if (::rmdir(directory.c_str()) < 0 && errno != ENOENT && errno != ENOTEMPTY) {
      return Error::Errno("remove " + directory);
    }
    return OkStatus();
  });
}

}  // namespace kpod::network
