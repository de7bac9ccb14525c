#include "runtime/process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/text.h"
#include "runtime/handshake.h"
#include "runtime/inside.h"
#include "runtime/procfs.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

constexpr int kAboveStreams = 10;

Result<Fd> CopyStream(int fd, bool input) {
  Fd null;
  if (fd < 0) {
    null = TRY(Open("/dev/null", input ? O_RDONLY : O_WRONLY));
    fd = null.get();
  }
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kAboveStreams);
  if (copy < 0) return Error::Errno("standard stream");
  return Fd(copy);
}

const std::map<std::string_view, int>& RlimitNumbers() {
  static const std::map<std::string_view, int> table = {
      {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},
      {"RLIMIT_CPU", RLIMIT_CPU},         {"RLIMIT_DATA", RLIMIT_DATA},
      {"RLIMIT_FSIZE", RLIMIT_FSIZE},     {"RLIMIT_LOCKS", RLIMIT_LOCKS},
      {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
      {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
      {"RLIMIT_NPROC", RLIMIT_NPROC},     {"RLIMIT_RSS", RLIMIT_RSS},
      {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},
      {"RLIMIT_STACK", RLIMIT_STACK},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}};
  return table;
}

Status ApplyRlimit(const Rlimit& wanted, std::vector<std::string>* warnings) {
  auto it = RlimitNumbers().find(wanted.type);
  if (it == RlimitNumbers().end()) return Error("rlimit " + Quote(wanted.type) + " is unknown");
  rlimit64 value{wanted.soft, wanted.hard};
  if (::prlimit64(0, static_cast<__rlimit_resource>(it->second), &value, nullptr) == 0) {
    return OkStatus();
  }
  if (errno != EPERM) return Error::Errno(wanted.type);
  rlimit64 now{};
  if (::prlimit64(0, static_cast<__rlimit_resource>(it->second), nullptr, &now) < 0) {
    return Error::Errno(wanted.type);
  }
  Rlimit clamped = ClampRlimit(wanted, now.rlim_max);
  value = {clamped.soft, clamped.hard};
  if (::prlimit64(0, static_cast<__rlimit_resource>(it->second), &value, nullptr) < 0) {
    return Error::Errno(wanted.type);
  }
  warnings->push_back(StrCat(wanted.type, " clamped to ", clamped.hard));
  return OkStatus();
}

Status ChangeIdentity(const User& user) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return Error::Errno("keep capabilities");
  std::vector<gid_t> groups(user.additional_gids.begin(), user.additional_gids.end());
  if (::setgroups(groups.size(), groups.data()) < 0) {
    // A user namespace without the right to setgroups has none to give away either.
    if (!groups.empty() || errno != EPERM) return Error::Errno("set supplementary groups");
  }
  if (::setresgid(user.gid, user.gid, user.gid) < 0) {
    return Error::Errno(StrCat("set group ", user.gid));
  }
  if (::setresuid(user.uid, user.uid, user.uid) < 0) {
    return Error::Errno(StrCat("set user ", user.uid));
  }
  ::umask(static_cast<mode_t>(user.umask.value_or(0022) & 0777));
  return OkStatus();
}

Error ExecProgram(const Process& p) {
  std::vector<char*> argv, env;
  for (const std::string& a : p.args) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  for (const std::string& e : p.env) env.push_back(const_cast<char*>(e.c_str()));
  env.push_back(nullptr);
  bool refused = false;
  for (const std::string& path : ProgramCandidates(p.args[0], p.env)) {
    ::execve(path.c_str(), argv.data(), env.data());
    if (errno == EACCES) {  // as execvp(3): a later directory may have one that can be run
      refused = true;
      continue;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      return Error::Errno("exec " + Quote(path)).WithExit(kExitCannotInvoke);
    }
  }
  if (refused) return Error::Errno("exec " + Quote(p.args[0]), EACCES).WithExit(kExitCannotInvoke);
  if (Contains(p.args[0], "/")) {
    return Error::Errno("exec " + Quote(p.args[0]), ENOENT).WithExit(kExitNotFound);
  }
  return Error(StrCat("exec ", Quote(p.args[0]), ": executable file not found in $PATH"),
               kExitNotFound)
      .WithCode(ENOENT);
}

Status ApplyLabels(const PreparedProcess& p) {
  const Process& process = *p.process;
  if (!process.apparmor_profile.empty()) {
    const std::string text = "exec " + process.apparmor_profile;
    Status s = WriteProc(p.proc.get(), "self/attr/apparmor/exec", text);
    // Before 5.8 there is one file for whichever module is first.
    if (!s && s.error().code() == ENOENT) s = WriteProc(p.proc.get(), "self/attr/exec", text);
    TRY(std::move(s).Context("AppArmor profile " + process.apparmor_profile));
  }
  if (!process.selinux_label.empty()) {
    TRY(WriteProc(p.proc.get(), "self/attr/exec", process.selinux_label).Context("SELinux label"));
  }
  return OkStatus();
}

// Everything but the exec. The order is the point: see each step.
Status Settle(const PreparedProcess& p, int socket, const std::vector<std::string>& warnings) {
  const Process& process = *p.process;
  GivePipes({0, 1, 2}, process.user.uid);
  TRY(ApplyLabels(p));
  // The keys of the caller's session stay with the caller (keyrings(7)); a kernel without keys is
  // fine.
  (void)::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  // Nothing that the caller forgot to mark gets through (CVE-2024-21626).
  if (::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
    return Error::Errno("close_range");
  }
  TRY(DropBounding(p.capabilities.bounding));  // wants CAP_SETPCAP, so before the ids change
  TRY(ChangeIdentity(process.user));
  TRY(RaiseEffective());
  // After the last change of ids, which clears it (prctl(2)).
  if (p.die_with_parent && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) {
    return Error::Errno("PR_SET_PDEATHSIG");
  }
  // Also finds out that the parent died before the line above. The filter may forbid to send.
  TRY(ReportReady(socket, warnings));
  // Without no_new_privs a filter wants CAP_SYS_ADMIN, so it comes before the capabilities go; with
  // it, last, so that the filter need not allow what comes before.
  if (!process.no_new_privileges) TRY(LoadFilter(*p.filter));
  TRY(SetCapabilities(p.capabilities));
  if (process.no_new_privileges) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return Error::Errno("no_new_privs");
    TRY(LoadFilter(*p.filter));
  }
  return OkStatus();
}

}  // namespace

Result<PreparedProcess> PrepareProcess(const Process& process, const Json& seccomp,
                                       bool default_seccomp, const std::string& cache_dir,
                                       Streams streams) {
  if (process.args.empty() || process.args[0].empty()) {
    return Error("no command is given", kExitNotFound);
  }
  PreparedProcess out;
  out.process = &process;
  out.capabilities =
      TRY(ResolveCapabilities(process.capabilities, HeldCapabilities(), &out.warnings));
  out.filter = TRY(FindFilter(seccomp, default_seccomp, process.capabilities.bounding, cache_dir));
  for (const std::string& name : out.filter->unknown) {
    if (!name.empty()) out.warnings.push_back("seccomp: system call " + name + " is unknown");
  }
  if (!process.terminal) {
    out.streams[0] = TRY(CopyStream(streams.in, true));
    out.streams[1] = TRY(CopyStream(streams.out, false));
    out.streams[2] = TRY(CopyStream(streams.err, false));
  }
  out.proc = TRY(OpenProc());
  return out;
}

void GivePipes(std::initializer_list<int> fds, uint32_t uid) {
  for (int fd : fds) {
    struct stat st;
    if (::fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || st.st_uid == uid) continue;
    if (::fchown(fd, uid, static_cast<gid_t>(-1)) < 0) continue;
  }
}

Status ResetSignals() {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) (void)::sigaction(s, &by_default, nullptr);
  sigset_t none;
  sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) < 0) return Error::Errno("sigprocmask");
  return OkStatus();
}

Status SetUpStreams(const PreparedProcess& p) {
  if (p.process->terminal) return OkStatus();  // its steps did it
  // A session of its own; fails only when it has one.
  (void)::setsid();
  for (int i = 0; i < 3; ++i) {
    if (::dup2(p.streams[i].get(), i) < 0) return Error::Errno("standard stream");
  }
  return OkStatus();
}

Status ApplyLimits(const PreparedProcess& p, std::vector<std::string>* warnings) {
  const Process& process = *p.process;
  if (process.oom_score_adj) {
    Status s = WriteProc(p.proc.get(), "self/oom_score_adj", StrCat(*process.oom_score_adj));
    if (!s && s.error().code() != EACCES && s.error().code() != EPERM) return s;
    if (!s) warnings->push_back("oom_score_adj cannot be lowered here");
  }
  for (const Rlimit& limit : process.rlimits) TRY(ApplyRlimit(limit, warnings));
  return OkStatus();
}

namespace {

Status Enter(int root, const std::string& cwd, bool make) {
  if (!cwd.starts_with('/')) return Error("working directory " + Quote(cwd) + " is not absolute");
  // By descriptor, without magic links: /proc/self/fd/N is no way out (CVE-2024-21626).
  Fd dir = TRY((make ? DirectoryInside(root, cwd) : OpenInside(root, cwd, O_PATH | O_DIRECTORY))
                   .Context("working directory"));
  if (::fchdir(dir.get()) < 0) return Error::Errno("working directory " + cwd);
  char buf[4096];
  long n = ::syscall(SYS_getcwd, buf, sizeof(buf));
  if (n < 0 || buf[0] != '/') return Error("working directory " + cwd + " is outside of the root");
  return OkStatus();
}

}  // namespace

Status EnterWorkingDirectory(int root, const std::string& cwd, bool make) {
  Status entered = Enter(root, cwd, make);
  if (!entered) return std::move(entered.error()).WithExit(kExitCannotInvoke);
  return entered;
}

Error BecomeProgram(const PreparedProcess& p, int socket,
                    const std::vector<std::string>& warnings) {
  Status s = Settle(p, socket, warnings);
  if (!s) return std::move(s.error());
  return ExecProgram(*p.process);
}

Rlimit ClampRlimit(const Rlimit& wanted, uint64_t hard_now) {
  Rlimit out = wanted;
  out.hard = std::min(out.hard, hard_now);
  out.soft = std::min(out.soft, out.hard);
  return out;
}

std::vector<std::string> ProgramCandidates(const std::string& program,
                                           const std::vector<std::string>& env) {
  if (Contains(program, "/")) return {program};
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const std::string& e : env) {
    if (e.starts_with("PATH=")) path = e.substr(5);
  }
  std::vector<std::string> out;
  for (const std::string& dir : Split(path, ':')) {
    // An empty part would mean the working directory (execvp(3)); an image's mistake should not.
    if (!dir.empty()) out.push_back(dir.ends_with('/') ? dir + program : dir + "/" + program);
  }
  return out;
}

}  // namespace kpod::runtime
