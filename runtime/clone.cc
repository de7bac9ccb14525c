#include "runtime/clone.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>

#include "base/files.h"
#include "base/text.h"
#include "runtime/syscalls.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

// In a helper: the child of its parent, 0 in the child itself.
Result<pid_t> CloneSibling(const CloneRequest& request) {
  if (request.cgroup != nullptr) TRY(request.cgroup->EnterV1());
  TRY(JoinUserNamespace(request.user_namespace));
  clone_args args{};
  args.flags = CLONE_PARENT | request.flags;  // it ends with the helper's own signal
  pid_t pid = Clone3(&args);
  if (pid < 0) return Error::Errno("clone3");
  return pid;
}

// A PID namespace belongs to the user namespace of the process that makes it: a helper, which is
// born into the group, joins that one and has the child for a sibling.
Result<Child> CloneBeside(const CloneRequest& request, bool* in_child) {
  Pipe answer = TRY(MakePipe());
  bool in_helper = false;
  Child helper = TRY(CloneProcess({0, request.pid_namespace, request.cgroup, -1}, &in_helper));
  if (in_helper) {
    Result<pid_t> pid = CloneSibling(request);
    if (pid && *pid == 0) {
      *in_child = true;
      return Child{};
    }
    (void)WriteAll(answer.write.get(), pid ? StrCat(*pid) : pid.error().message());
    ::_exit(0);
  }
  answer.write.Reset();
  Result<std::string> said = ReadAll(answer.read.get(), 4096);
  TRY(WaitFor(helper));
  if (!said) return std::move(said.error());
  std::optional<int64_t> pid = ParseInt(*said);
  if (!pid) return Error(said->empty() ? "a helper was killed" : *said);
  // Not reaped by anybody else, so the pid is its own.
  Child child{static_cast<pid_t>(*pid),
              Fd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(*pid), 0)))};
  if (!child.pidfd) return Error::Errno("pidfd_open");
  return child;
}

}  // namespace

Result<Child> CloneProcess(const CloneRequest& request, bool* in_child) {
  bool apart = request.user_namespace >= 0 && (request.flags & CLONE_NEWPID) != 0;
  if (apart) return CloneBeside(request, in_child);
  Fd group;
  if (request.cgroup != nullptr) group = TRY(request.cgroup->OpenV2());
  Fd own_pid_namespace;
  if (request.pid_namespace >= 0) {
    own_pid_namespace = TRY(Open("/proc/self/ns/pid", O_RDONLY));
    // Only for children to come; undone below.
    if (::setns(request.pid_namespace, CLONE_NEWPID) < 0) return Error::Errno("join PID namespace");
  }
  clone_args args{};
  int pidfd = -1;
  args.flags = CLONE_PIDFD | request.flags | (group ? uint64_t{CLONE_INTO_CGROUP} : 0);
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = group ? static_cast<uint64_t>(group.get()) : 0;
  pid_t pid = Clone3(&args);
  if (pid == 0) {
    *in_child = true;
    return Child{};
  }
  int code = errno;
  Child child{pid, Fd(pidfd)};
  if (own_pid_namespace && ::setns(own_pid_namespace.get(), CLONE_NEWPID) < 0) {
    Error e = Error::Errno("return to the PID namespace");
    if (pid > 0) KillAndReap(child);
    return e;
  }
  if (pid < 0) return Error::Errno("clone3", code);
  return child;
}

void KillAndReap(const Child& child) {
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace kpod::runtime
