#include <fcntl.h>
#include <sys/prctl.h>

#include "runtime/container.h"
#include "runtime/handshake.h"
#include "runtime/process.h"
#include "runtime/syscalls.h"
#include "runtime/target.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

Status EnterTarget(const ExecOptions& o, const Target& target, const PreparedProcess& p, int socket,
                   std::vector<std::string>* warnings) {
  TRY(ResetSignals());
  // The container's processes can see this one from its first moment on; until exec they must not
  // look into it (CVE-2016-9962).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (o.cgroup != nullptr) TRY(o.cgroup->EnterV1());
  TRY(ApplyLimits(p, warnings));
  TRY(JoinTarget(target,
                 CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP));
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
  if (target.other_user_namespace) {
    // In there nobody may give them away.
    uint32_t uid = HostId(TRY(ReadUserMap(options.target)), options.process.user.uid);
    GivePipes({process.streams[0].get(), process.streams[1].get(), process.streams[2].get()}, uid);
  }
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
