// The namespaces of a pod's infra: those made ahead, its own, and the PID namespace with its init.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "pods/sandbox.h"
#include "pods/user_range.h"
#include "runtime/clone.h"
#include "runtime/procfs.h"
#include "runtime/user_namespace.h"

namespace kpod::pods {

SpareNamespaces SpareNamespaces::Make() {
  struct Kind {
    const char* file;
    int flag;
    Fd own, spare;
  };
  Kind kinds[] = {{"/proc/self/ns/net", CLONE_NEWNET, {}, {}},
                  {"/proc/self/ns/ipc", CLONE_NEWIPC, {}, {}},
                  {"/proc/self/ns/uts", CLONE_NEWUTS, {}, {}}};
  for (Kind& k : kinds) {
    Result<Fd> own = Open(k.file, O_RDONLY);
    if (!own) return {};
    k.own = std::move(*own);
  }
  if (::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) return {};
  bool all = true;
  for (Kind& k : kinds) {
    k.spare = Open(k.file, O_RDONLY).value_or(Fd());
    all = all && k.spare && ::setns(k.own.get(), k.flag) == 0;
  }
  // Where it cannot go back it is of no use to anybody: the sandbox would take these for the
  // host's.
  if (!all) ::_exit(kExitFailure);
  return {std::move(kinds[0].spare), std::move(kinds[1].spare), std::move(kinds[2].spare)};
}

namespace {

// The containers see the command line of PID 1; where kpod keeps its state is not theirs to know.
// PR_SET_MM would want CAP_SYS_RESOURCE, so the words of main's argv are written over: they lie in
// one piece from argv[0] on (execve(2)).
void HideCommandLine() {
  constexpr std::string_view kName = "kpod-infra";
  size_t size = ReadFile("/proc/self/cmdline", 65536).value_or("").size();
  if (size <= kName.size()) return;
  std::memset(program_invocation_name, 0, size);
  kName.copy(program_invocation_name, kName.size());
}

// PR_SET_PDEATHSIG tells of a death to come; this tells of one that was before it.
void EndWithParent(int parent_pidfd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd ended{parent_pidfd, POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) ::_exit(1);
}

// PID 1 of a shared PID namespace: reaps, and shows the containers nothing. Its root is an empty
// tmpfs, since /proc/1/root would otherwise lead every container that may trace it to the host's
// files.
[[noreturn]] void InfraInit(int parent_pidfd) {
  EndWithParent(parent_pidfd);
  ::prctl(PR_SET_NAME, "kpod-infra");
  HideCommandLine();
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
      ::mount("tmpfs", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") <
          0 ||
      ::chdir("/proc") < 0 || ::syscall(SYS_pivot_root, ".", ".") < 0 ||
      ::umount2(".", MNT_DETACH) < 0 || ::chdir("/") < 0) {
    ::_exit(1);
  }
  ::dup2(parent_pidfd, 0);
  ::close_range(1, ~0U, 0);
  sigset_t set;
  sigfillset(&set);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  if (::setgroups(0, nullptr) < 0 || ::setresgid(65535, 65535, 65535) < 0 ||
      ::setresuid(65535, 65535, 65535) < 0) {
    ::_exit(1);
  }
  EndWithParent(0);  // the change of user cleared the signal
  ::close(0);
  for (;;) {
    int signal = 0;
    sigwait(&set, &signal);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

// Each namespace of `flags` that is at hand is joined; the others, which it gives back, are to
// make.
int JoinSpare(int flags, const SpareNamespaces& spare) {
  auto join = [&](const Fd& fd, int flag) {
    if ((flags & flag) != 0 && fd && ::setns(fd.get(), flag) == 0) flags &= ~flag;
  };
  join(spare.net, CLONE_NEWNET);
  join(spare.ipc, CLONE_NEWIPC);
  join(spare.uts, CLONE_NEWUTS);
  return flags;
}

}  // namespace

Status Sandbox::ShareProcesses() {
  // The supervisor itself stays outside, so that its own children have host pids.
  Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self) return Error::Errno("pidfd_open");
  runtime::CloneRequest request{CLONE_NEWPID | CLONE_NEWNS, -1, nullptr, user_namespace_.get()};
  Result<Child> init = runtime::CloneChild(request, [&] {
    InfraInit(self.get());
    return 1;
  });
  if (!init) return std::move(init.error()).Wrap("infra");
  init_ = std::move(*init);
  pid_namespace_ = TRY(Open(StrCat("/proc/", init_.pid, "/ns/pid"), O_RDONLY));
  return OkStatus();
}

Status Sandbox::WriteSysctls(const Plan& plan) {
  if (plan.sysctls.empty()) return OkStatus();
  std::map<std::string, std::string> sysctls(plan.sysctls.begin(), plan.sysctls.end());
  for (const auto& [name, value] : sysctls) {
    // Only what the pod has for itself: what it shares with the machine is not its to set.
    Result<std::string> path = runtime::SysctlPath(name);
    if (!path) return std::move(path.error());
    bool net = path->starts_with("sys/net/") || *path == "sys/kernel/domainname";
    if (net ? plan.network == "host" : plan.host_ipc) {
      return Error(StrCat("sysctl ", name, " may not be set when ", net ? "hostNetwork" : "hostIPC",
                          " is true"));
    }
  }
  Fd proc = TRY(runtime::OpenProc());
  for (const auto& sysctl : sysctls) {
    Status done = runtime::ApplySysctls(proc.get(), {sysctl});
    if (!done && done.error().code() == EACCES && user_namespace_) {
      // Some are only the root's of the namespace that they are of.
      Result<std::string> inside = RunInChild([&]() -> Result<std::string> {
        TRY(runtime::JoinUserNamespace(user_namespace_.get()));
        TRY(runtime::ApplySysctls(proc.get(), {sysctl}));
        return std::string();
      });
      if (!inside) return std::move(inside.error());
    } else {
      TRY(std::move(done));
    }
  }
  return OkStatus();
}

Status Sandbox::MakeNamespaces(const store::Paths& paths, const Plan& plan, SpareNamespaces spare) {
  int flags = plan.host_ipc ? 0 : CLONE_NEWIPC;
  if (plan.network != "host") flags |= CLONE_NEWNET | CLONE_NEWUTS;
  if (!plan.host_users) {
    id_map_ = TRY(TakeUserRange(paths, plan));
    user_namespace_ = TRY(runtime::MakeUserNamespace(id_map_, id_map_));
    // They are the pod's to administer; the mounts of this process stay the host's.
    TRY(runtime::EnterNamespacesOf(user_namespace_.get(), std::exchange(flags, 0)));
  }
  flags = JoinSpare(flags, spare);
  if (::unshare(flags | CLONE_NEWNS) < 0) return Error::Errno("unshare namespaces");
  return OkStatus();
}

}  // namespace kpod::pods
