// Manager::Exec: a further process in a running container, joined to this command's own streams.
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "pods/exec_streams.h"
#include "pods/find_container.h"
#include "pods/late_values.h"
#include "pods/launch.h"
#include "pods/manager.h"
#include "pods/terminal.h"
#include "runtime/container.h"
#include "runtime/inside.h"

namespace kpod::pods {

namespace {

// Bytes from one descriptor to the other; false at the end of `from` (EIO: the last holder of a
// pty's other side left).
bool Relay(int from, int to) {
  char buf[16384];
  ssize_t n = ::read(from, buf, sizeof(buf));
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false;
  return WriteAll(to, {buf, static_cast<size_t>(n)}).ok();
}

// To the end of the program behind it: 0, or the signal that came before.
Result<int> RelayTerminal(int terminal, int pidfd, bool interactive) {
  Fd signals = TRY(TerminalSignals());
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
      int signal = ReadTerminalSignals(signals.get(), terminal);
      if (signal != 0) return signal;
    }
    if (fds[3].revents != 0) ended = true;
  }
}

void SetEnv(std::vector<std::string>* env, const std::string& line) {
  std::string name = line.substr(0, line.find('=') + 1);
  std::erase_if(*env, [&](const std::string& l) { return l.starts_with(name); });
  env->push_back(line);
}

}  // namespace

Result<int> Manager::Exec(const PodRecord& pod, const ExecRequest& request) {
  RunningContainer running = TRY(FindRunning(paths_, pod, request.container));
  Plan plan = pod.plan;
  FillAddresses({pod.status.pod_ip, pod.status.host_ip}, &plan);
  const ContainerPlan& c = *TRY(FindContainer(plan, running.plan->name));
  // Through the supervisor's root: volumes in memory are nowhere else. An env file that is gone by
  // now keeps nobody out of the container.
  std::string root = StrCat("/proc/", pod.status.supervisor_pid, "/root");
  ContainerPlan now = WithEnvFiles(paths_, plan, c, root).value_or(WithoutEnvFiles(plan, c));
  runtime::Spec spec = SpecFor(paths_, plan, now, PathsFor(paths_, plan, c.name, 0));
  runtime::ExecOptions options;
  options.target = running.pid;
  options.process = spec.process;
  options.process.args = request.argv;
  options.process.terminal = request.tty;
  if (!request.workdir.empty()) options.process.cwd = request.workdir;
  for (const std::string& e : request.env) SetEnv(&options.process.env, e);
  if (request.tty) SetEnv(&options.process.env, "TERM=xterm");
  if (!request.user.empty()) {
    // The container's own files, through its root: what it may have added counts.
    Fd root_fd = TRY(Open(StrCat("/proc/", running.pid, "/root"), O_PATH | O_DIRECTORY));
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
  options.cgroup = &running.cgroup;
  runtime::Started started = TRY(runtime::Exec(options));
  if (started.terminal) {
    int signal =
        TRY(RelayTerminal(started.terminal.get(), started.child.pidfd.get(), request.interactive));
    if (signal != 0) EndBy(signal);  // and with this process the one in the container
    started.terminal.Reset();
  } else {
    TRY(streams.Relay(started.child.pidfd.get()));
  }
  return TRY(WaitFor(started.child)).code;
}

}  // namespace kpod::pods
