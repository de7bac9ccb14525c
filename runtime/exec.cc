#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"
#include "runtime/handshake.h"
#include "runtime/process.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

bool SameNamespace(pid_t target, const char* type) {
  struct stat ours, theirs;
  return ::stat(StrCat("/proc/self/ns/", type).c_str(), &ours) == 0 &&
         ::stat(StrCat("/proc/", target, "/ns/", type).c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

struct Target {
  Fd pidfd;
  Fd pid_namespace;
  bool other_user_namespace = false;
};

// A pid that was noted down may be another process by now, even one of the host: the container's
// group tells.
Status CheckMember(pid_t pid, const Cgroup& group) {
  std::vector<pid_t> members = TRY(group.Processes());
  if (std::find(members.begin(), members.end(), pid) != members.end()) return OkStatus();
  return Error(StrCat("process ", pid, " is not of this container"));
}

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

Status EnterTarget(const ExecOptions& o, const Target& target, const PreparedProcess& p, int socket,
                   std::vector<std::string>* warnings) {
  TRY(ResetSignals());
  // The container's processes can see this one from its first moment on; until exec they must not
  // look into it (CVE-2016-9962).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (o.cgroup != nullptr) TRY(o.cgroup->EnterV1());
  TRY(ApplyLimits(p, warnings));
  int types = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (target.other_user_namespace) types |= CLONE_NEWUSER;
  // All at once by the kernel, which also changes root and working directory to the container's.
  if (::setns(target.pidfd.get(), types) < 0) return Error::Errno("join the container");
  if (target.other_user_namespace && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)) {
    return Error::Errno("become root of the user namespace");
  }
  Fd root = TRY(Open("/", O_PATH | O_DIRECTORY));
  TRY(SetUpTerminal(o.process, root.get(), socket, false));
  TRY(EnterWorkingDirectory(root.get(), o.process.cwd, false));
  return SetUpStreams(p);
}

}  // namespace

Result<Started> Exec(const ExecOptions& options) {
  Target target = TRY(OpenTarget(options.target, options.cgroup));
  PreparedProcess process = TRY(
      PrepareProcess(options.process, options.seccomp, options.default_seccomp, options.cache_dir,
                     {options.stdin_fd, options.stdout_fd, options.stderr_fd}));
  process.die_with_parent = true;
  SocketPair pair = TRY(MakeSeqpacketPair());
  CloneRequest request{0, target.pid_namespace.get(), options.cgroup};
  Child child = TRY(CloneChild(request, [&] {
    pair.a.Reset();
    std::vector<std::string> warnings = process.warnings;
    Status s = EnterTarget(options, target, process, pair.b.get(), &warnings);
    Error error = s ? BecomeProgram(process, pair.b.get(), warnings) : std::move(s.error());
    ReportFailure(pair.b.get(), error);
    return error.exit_code();
  }));
  pair.b.Reset();
  Result<HandshakeResult> result = AwaitExec(
      pair.a.get(), []() -> Status { return Error("no id maps are to be written for exec"); });
  if (!result) {
    KillAndReap(child);
    return std::move(result.error());
  }
  return Started{std::move(child), std::move(result->terminal), std::move(result->warnings)};
}

}  // namespace kpod::runtime
