#include "runtime/target.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {

namespace {

bool SameNamespace(pid_t target, const char* type) {
  struct stat ours, theirs;
  return ::stat(StrCat("/proc/self/ns/", type).c_str(), &ours) == 0 &&
         ::stat(StrCat("/proc/", target, "/ns/", type).c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

Status CheckMember(pid_t pid, const Cgroup& group) {
  std::vector<pid_t> members = TRY(group.Processes());
  if (std::find(members.begin(), members.end(), pid) != members.end()) return OkStatus();
  return Error(StrCat("process ", pid, " is not of this container"));
}

}  // namespace

Result<Target> OpenTarget(pid_t pid, const Cgroup* group) {
  Target out;
  out.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!out.pidfd) return Error::Errno(StrCat("process ", pid));
  out.pid_namespace = TRY(Open(StrCat("/proc/", pid, "/ns/pid"), O_RDONLY));
  out.other_user_namespace = !SameNamespace(pid, "user");
  if (group != nullptr) TRY(CheckMember(pid, *group));
  // Alive now: then the paths above were those of the process that the pidfd means.
  if (::syscall(SYS_pidfd_send_signal, out.pidfd.get(), 0, nullptr, 0) < 0) {
    return Error::Errno(StrCat("process ", pid));
  }
  return out;
}

Status JoinTarget(const Target& target, int types) {
  if (target.other_user_namespace) types |= CLONE_NEWUSER;
  // All at once by the kernel.
  if (::setns(target.pidfd.get(), types) < 0) return Error::Errno("join the container");
  if (target.other_user_namespace && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)) {
    return Error::Errno("become root of the user namespace");
  }
  return OkStatus();
}

}  // namespace kpod::runtime
