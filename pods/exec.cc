// Manager::Exec: a further process in a running container, joined to this command's own streams.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <termios.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "pods/exec_streams.h"
#include "pods/late_values.h"
#include "pods/launch.h"
#include "pods/manager.h"
#include "runtime/container.h"
#include "runtime/inside.h"

namespace kpod::pods {

namespace {

// The terminal in raw mode for as long as this lives.
class RawTerminal {
 public:
  RawTerminal() : active_(::isatty(0) == 1 && ::tcgetattr(0, &saved_) == 0) {
    if (!active_) return;
    termios raw = saved_;
    ::cfmakeraw(&raw);
    ::tcsetattr(0, TCSANOW, &raw);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (active_) ::tcsetattr(0, TCSANOW, &saved_);
  }

 private:
  termios saved_{};
  bool active_;
};

void CopyWindowSize(int terminal) {
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) ::ioctl(terminal, TIOCSWINSZ, &size);
}

// Bytes from one descriptor to the other; false at the end of `from` (EIO: the last holder of a
// pty's other side left).
bool Relay(int from, int to) {
  char buf[16384];
  ssize_t n = ::read(from, buf, sizeof(buf));
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false;
  return WriteAll(to, {buf, static_cast<size_t>(n)}).ok();
}

// Signals that would end this process while the terminal is raw.
constexpr int kEnding[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

// The signal that this process shall end by, or 0.
int ReadSignals(int signals, int terminal) {
  int ending = 0;
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof(info)) > 0) {
    if (info.ssi_signo == SIGWINCH) {
      CopyWindowSize(terminal);
    } else {
      ending = static_cast<int>(info.ssi_signo);
    }
  }
  return ending;
}

// To the end of the program behind it: 0, or the signal that came before.
Result<int> RelayTerminal(int terminal, int pidfd, bool interactive) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  for (int signal : kEnding) sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  RawTerminal raw;
  CopyWindowSize(terminal);
  bool ended = false;
  for (;;) {
    pollfd fds[4] = {{terminal, POLLIN, 0},
                     {interactive ? 0 : -1, POLLIN, 0},
                     {signals.get(), POLLIN, 0},
                     {ended ? -1 : pidfd, POLLIN, 0}};
    // After the end only what the terminal still holds is wanted.
    int n = ::poll(fds, 4, ended ? 0 : -1);
    if (n < 0 && errno != EINTR) return Error::Errno("poll");
    if (n == 0 && ended) return 0;
    if (n < 0) continue;
    if (fds[0].revents != 0 && !Relay(terminal, 1)) return 0;
    if (fds[1].revents != 0 && !Relay(0, terminal)) {
      interactive = false;
      char eof = 4;  // ^D: the end of our input is the end of the terminal's
      (void)WriteAll(terminal, {&eof, 1});
    }
    if (fds[2].revents != 0) {
      int signal = ReadSignals(signals.get(), terminal);
      if (signal != 0) return signal;
    }
    if (fds[3].revents != 0) ended = true;
  }
}

// As if it had not been caught; the program in the container ends with this process.
void EndBy(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void SetEnv(std::vector<std::string>* env, const std::string& line) {
  std::string name = line.substr(0, line.find('=') + 1);
  std::erase_if(*env, [&](const std::string& l) { return l.starts_with(name); });
  env->push_back(line);
}

// "": the first container, as kubectl takes it.
const ContainerPlan* FindContainer(const Plan& plan, const std::string& name) {
  if (name.empty()) return plan.containers.empty() ? nullptr : plan.containers.data();
  for (const ContainerPlan* c : plan.All()) {
    if (c->name == name) return c;
  }
  return nullptr;
}

const ContainerStatus* FindStatus(const PodStatus& status, const std::string& name) {
  for (const auto* list : {&status.containers, &status.init_containers}) {
    for (const ContainerStatus& s : *list) {
      if (s.name == name) return &s;
    }
  }
  return nullptr;
}

}  // namespace

Result<int> Manager::Exec(const PodRecord& pod, const ExecRequest& request) {
  Plan plan = pod.plan;
  FillAddresses({pod.status.pod_ip, pod.status.host_ip}, &plan);
  const ContainerPlan* found = FindContainer(plan, request.container);
  if (found == nullptr) {
    return Error(StrCat("container ", request.container, " is not valid for pod ", pod.plan.name));
  }
  const ContainerPlan& c = *found;
  const ContainerStatus* status = FindStatus(pod.status, c.name);
  if (!pod.alive || status == nullptr || status->pid == 0) {
    return Error(StrCat("container ", c.name, " of pod ", pod.plan.name, " is not running"));
  }
  // Through the supervisor's root: volumes in memory are nowhere else. An env file that is gone by
  // now keeps nobody out of the container.
  std::string root = StrCat("/proc/", pod.status.supervisor_pid, "/root");
  ContainerPlan now = WithEnvFiles(paths_, plan, c, root).value_or(WithoutEnvFiles(plan, c));
  runtime::Spec spec = SpecFor(paths_, plan, now, PathsFor(paths_, plan, c.name, 0));
  runtime::ExecOptions options;
  options.target = status->pid;
  options.process = spec.process;
  options.process.args = request.argv;
  options.process.terminal = request.tty;
  if (!request.workdir.empty()) options.process.cwd = request.workdir;
  for (const std::string& e : request.env) SetEnv(&options.process.env, e);
  if (request.tty) SetEnv(&options.process.env, "TERM=xterm");
  if (!request.user.empty()) {
    // The container's own files, through its root: what it may have added counts.
    Fd root_fd = TRY(Open(StrCat("/proc/", status->pid, "/root"), O_PATH | O_DIRECTORY));
    auto read = [&](const std::string& path) -> std::string {
      Result<Fd> fd = runtime::RegularFileInside(root_fd.get(), path);
      return fd ? ReadAll(fd->get(), 1 << 20).value_or("") : "";
    };
    runtime::ResolvedUser user = TRY(runtime::ResolveUser(request.user, read));
    options.process.user = {user.uid, user.gid, std::nullopt, user.additional_gids};
  }
  TRY(ApplySeccomp(paths_, c, &options.seccomp, &options.default_seccomp));
  options.cache_dir = paths_.run + "/seccomp";
  ExecStreams streams = TRY(ExecStreams::Open(request.interactive));
  options.stdin_fd = streams.ForChild(0);
  options.stdout_fd = streams.ForChild(1);
  options.stderr_fd = streams.ForChild(2);
  runtime::Cgroup cgroup = runtime::Cgroup::At(CgroupPath(paths_, pod.plan.Id(), c.name));
  options.cgroup = &cgroup;
  runtime::Started started = TRY(runtime::Exec(options));
  if (started.terminal) {
    int signal =
        TRY(RelayTerminal(started.terminal.get(), started.child.pidfd.get(), request.interactive));
    if (signal != 0) EndBy(signal);
    started.terminal.Reset();
  } else {
    TRY(streams.Relay(started.child.pidfd.get()));
  }
  return TRY(WaitFor(started.child)).code;
}

}  // namespace kpod::pods
