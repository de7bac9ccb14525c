#include "pods/container_run.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "images/images.h"
#include "pods/late_values.h"
#include "pods/volumes.h"

namespace kpod::pods {

namespace {

std::string NewContainerId() {
  std::string bytes(32, '\0');
  // getrandom(2) through /dev/urandom never fails once the machine is up; an id is a name, not a
  // secret.
  Result<Fd> fd = Open("/dev/urandom", O_RDONLY);
  if (fd && ::read(fd->get(), bytes.data(), bytes.size()) < 0) bytes.assign(32, '\1');
  return "kpod://" + Hex(bytes);
}

std::string ReadTerminationMessage(const std::string& path) {
  // The container writes it; kubelet keeps 4096 bytes.
  Result<Fd> fd = Open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return {};
  std::string text(4096, '\0');
  ssize_t n = ::read(fd->get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}

// terminationMessagePolicy FallbackToLogsOnError: the last 2048 bytes or 80 lines of the log,
// whichever is less, without what the log's format adds.
std::string LogTail(const std::string& path) {
  constexpr off_t kRead = 16384;  // 2048 bytes of very short lines, with their times
  constexpr size_t kMaxBytes = 2048;
  constexpr size_t kMaxLines = 80;
  Result<Fd> fd = Open(path, O_RDONLY | O_NOFOLLOW);
  if (!fd) return {};
  off_t size = ::lseek(fd->get(), 0, SEEK_END);
  off_t from = std::max<off_t>(0, size - kRead);
  std::string text(static_cast<size_t>(std::max<off_t>(0, size - from)), '\0');
  ssize_t n = ::pread(fd->get(), text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  std::vector<std::string> lines = Split(text, '\n');
  if (from > 0 && !lines.empty()) lines.erase(lines.begin());  // begun in its middle
  if (lines.size() > kMaxLines + 1) lines.erase(lines.begin(), lines.end() - kMaxLines - 1);
  std::string out;
  for (const std::string& line : lines) {  // TIME STREAM F|P TEXT
    size_t at = line.find(' ');
    if (at != std::string::npos) at = line.find(' ', at + 1);
    if (at == std::string::npos || at + 3 > line.size()) continue;
    out += line.substr(std::min(line.size(), at + 3));
    if (line[at + 1] == 'F') out.push_back('\n');
  }
  return out.size() > kMaxBytes ? out.substr(out.size() - kMaxBytes) : out;
}

}  // namespace

Status ContainerRun::OpenStreams(const Plan& plan, const ContainerPlan& c) {
  std::string logs = StrCat(paths_.Pod(plan.ns, plan.name), "/logs/", c.name);
  TRY(MakeDirs(logs, 0700));
  log_path_ = StrCat(logs, "/", status.restart_count, ".log");
  message_from_log_ = c.termination_message_policy == "FallbackToLogsOnError";
  log_ = TRY(LogWriter::Create({log_path_}));
  // Kept, as the kubelet does: this run and the one before.
  if (status.restart_count >= 2) {
    std::string old = StrCat(logs, "/", status.restart_count - 2, ".log");
    ::unlink(old.c_str());
    for (int i = 1; i < 5; ++i) ::unlink(StrCat(old, ".", i).c_str());
  }
  tty_ = c.tty;
  stdin_open_ = c.stdin_open;
  stdin_once_ = c.stdin_once;
  if (c.tty) return OkStatus();
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  child_out_ = std::move(out.write);
  child_err_ = std::move(err.write);
  if (c.stdin_open) {
    Pipe in = TRY(MakePipe());
    child_in_ = std::move(in.read);
    stdin_ = std::move(in.write);
    // Shared with the commands that are attached, of which none may wait in a write.
    ::fcntl(stdin_.get(), F_SETFL, O_NONBLOCK);
  }
  // So that a program which is not root may open /dev/stdout and /dev/stderr anew, as servers that
  // log by file name do.
  for (const Fd* fd : {&child_in_, &child_out_, &child_err_}) {
    if (*fd && ::fchown(fd->get(), c.uid, static_cast<gid_t>(-1)) < 0) {
      return Error::Errno("chown standard streams");
    }
  }
  return OkStatus();
}

void ContainerRun::Watch(Fd* fd, LogWriter::Stream stream) {
  ::fcntl(fd->get(), F_SETFL, ::fcntl(fd->get(), F_GETFL) | O_NONBLOCK);
  (void)loop_->OnReadable(fd->get(), [this, fd, stream] {
    if (Drain(fd->get(), stream)) return;
    loop_->Forget(fd->get());
    fd->Reset();
  });
}

// The node is the user's, who could not use it otherwise; in a privileged container, which has the
// machine's /dev, it is the machine's own node.
Status ContainerRun::AttachDevices(const Plan& plan, const ContainerPlan& c, runtime::Spec* spec) {
  for (const DevicePlan& d : c.devices) {
    auto v = std::find_if(plan.volumes.begin(), plan.volumes.end(),
                          [&](const VolumePlan& p) { return p.name == d.volume; });
    if (v == plan.volumes.end()) continue;
    runtime::LoopDevice device = TRY(
        runtime::LoopDevice::Attach(VolumePath(paths_, plan, *v)).Context("volume " + d.volume));
    if (c.privileged) {
      spec->mounts.push_back({d.path, "bind", device.path(), {"bind"}});
    } else {
      spec->devices.push_back({d.path, "b", device.major(), device.minor(), 0660, c.uid, c.gid});
      spec->resources.devices.push_back(
          {true, "b", device.major(), device.minor(), v->read_only ? "rm" : "rwm"});
    }
    devices_.push_back(std::move(device));
  }
  return OkStatus();
}

// The log first. False when there is no more.
bool ContainerRun::Drain(int fd, LogWriter::Stream stream) {
  std::string_view bytes;
  Result<bool> more = log_->Drain(fd, stream, &bytes);
  if (attached_ && !bytes.empty()) attached_->Output(stream == LogWriter::Stream::kStderr, bytes);
  return more && *more;
}

void ContainerRun::Attach(Fd connection, std::vector<Fd> pipes, bool wants_input) {
  if (!attached_) {
    attached_ = std::make_unique<Attachments>(loop_);
    if (started_) BeginAttached();
  }
  attached_->Add(std::move(connection), std::move(pipes), wants_input);
}

void ContainerRun::BeginAttached() {
  Attachments::Input input;
  input.tty = tty_;
  // Asked when it is handed out: a program may have closed its terminal, and goes on.
  if (stdin_open_) input.fd = [this] { return tty_ ? out_.get() : stdin_.get(); };
  if (stdin_once_ && tty_) {
    input.finish = [this] {
      constexpr char kEndOfText = 4;  // a terminal has no other end
      if (out_ && ::write(out_.get(), &kEndOfText, 1) < 0) return;
    };
  } else if (stdin_once_) {
    input.finish = [this] { stdin_.Reset(); };
  }
  attached_->Begin(std::move(input));
}

Status ContainerRun::Start(const Plan& plan, const ContainerPlan& c, std::function<void()> on_exit,
                           std::vector<std::string>* warnings) {
  status.name = c.name;
  status.image = c.image;
  status.image_id = c.image_id.empty() ? "" : "sha256:" + c.image_id;
  Result<ContainerPlan> whole = WithEnvFiles(paths_, plan, c);
  if (!whole) return std::move(whole.error()).WithCode(kNotConfigured);
  pod_id_ = plan.Id();
  ContainerPaths dirs = PathsFor(paths_, plan, c.name, runs_++);
  upper_ = dirs.upper;
  work_ = dirs.work;
  termination_log_ = dirs.termination_log;
  Undo undo([this] {
    CloseStreams();
    Clean();
  });
  TRY(MakeDirs(Dirname(upper_), 0700));
  {
    Fd fd = TRY(Open(termination_log_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666));
    if (::fchmod(fd.get(), 0666) < 0) return Error::Errno("chmod termination log");
  }
  TRY(OpenStreams(plan, c));

  runtime::Spec spec = SpecFor(paths_, plan, *whole, dirs);
  env_ = spec.process.env;
  TRY(AttachDevices(plan, c, &spec));
  if (c.memory_limit && runtime::CgroupVersion() == "v2") {
    // As the kubelet: out of memory ends the container, not a process of it that nobody misses.
    spec.resources.unified["memory.oom.group"] = "1";
  }
  bool use_default = false;
  TRY(ApplySeccomp(paths_, c, &spec.seccomp, &use_default));
  cgroup_ = TRY(runtime::Cgroup::Create(spec.cgroups_path, spec.resources, warnings));

  runtime::StartOptions options;
  options.rootfs = {c.layers, dirs.upper, dirs.work};
  // Below the image: else each container's upper directory would be given what it lacks.
  options.rootfs.lower.push_back(TRY(images::MountPointLayer(paths_)));
  if (pid_namespace_) {
    std::erase_if(spec.namespaces, [](const runtime::Namespace& n) { return n.type == "pid"; });
    options.join.push_back({pid_namespace_.get(), CLONE_NEWPID});
  } else if (sandbox_->pid_namespace() >= 0) {
    options.join.push_back({sandbox_->pid_namespace(), CLONE_NEWPID});
  }
  options.stdin_fd = child_in_ ? child_in_.get() : -1;
  options.stdout_fd = child_out_ ? child_out_.get() : -1;
  options.stderr_fd = child_err_ ? child_err_.get() : -1;
  options.cgroup = &*cgroup_;
  options.cache_dir = paths_.run + "/seccomp";
  runtime::Started started = TRY(runtime::Start(spec, options));
  undo.Dismiss();
  warnings->insert(warnings->end(), started.warnings.begin(), started.warnings.end());
  child_out_.Reset();
  child_err_.Reset();
  child_in_.Reset();
  if (started.terminal) out_ = std::move(started.terminal);
  started_ = std::move(started);
  on_exit_ = std::move(on_exit);
  if (out_) Watch(&out_, LogWriter::Stream::kStdout);
  if (err_) Watch(&err_, LogWriter::Stream::kStderr);
  if (attached_) BeginAttached();
  TRY(loop_->OnReadable(started_->child.pidfd.get(), [this] { OnExit(); }));

  status.container_id = NewContainerId();
  status.pid = started_->child.pid;
  status.started = status.ready = false;  // its probes tell
  status.state = ContainerState{};
  status.state.running = Running{NowNanos()};
  return OkStatus();
}

Result<runtime::Started> ContainerRun::Exec(const Plan& plan, const ContainerPlan& c,
                                            const std::vector<std::string>& argv, int output_fd) {
  if (!started_) return Error(StrCat("container ", c.name, " is not running"));
  runtime::Spec spec = SpecFor(paths_, plan, c, PathsFor(paths_, plan, c.name, 0));
  runtime::ExecOptions options;
  options.target = started_->child.pid;
  options.process = std::move(spec.process);
  options.process.args = argv;
  options.process.env = env_;  // that of this run, whatever the plan or an env file says by now
  options.process.terminal = false;
  TRY(ApplySeccomp(paths_, c, &options.seccomp, &options.default_seccomp));
  options.cache_dir = paths_.run + "/seccomp";
  options.stdout_fd = options.stderr_fd = output_fd;
  options.cgroup = &*cgroup_;
  return runtime::Exec(options);
}

void ContainerRun::CloseStreams() {
  struct Entry {
    Fd* fd;
    LogWriter::Stream stream;
  };
  for (Entry e :
       {Entry{&out_, LogWriter::Stream::kStdout}, Entry{&err_, LogWriter::Stream::kStderr}}) {
    if (!*e.fd) continue;
    // What is still in the pipe; bounded, since a process outside (hostPID) may hold the other end
    // and go on writing.
    if (log_ && started_) {
      for (int i = 0; i < 64; ++i) {
        if (!Drain(e.fd->get(), e.stream)) break;
      }
    }
    loop_->Forget(e.fd->get());
    e.fd->Reset();
  }
  if (log_) (void)log_->Flush();
  log_.reset();
  child_out_.Reset();
  child_err_.Reset();
  child_in_.Reset();
  stdin_.Reset();
}

void ContainerRun::OnExit() {
  loop_->Forget(started_->child.pidfd.get());
  Result<ExitState> exit = WaitFor(started_->child);
  // What the first process left behind: nothing in a PID namespace of its own, perhaps something in
  // a shared one.
  (void)cgroup_->Kill();
  CloseStreams();

  Terminated t;
  t.exit_code = exit ? exit->code : kExitFailure;
  t.signal = exit ? exit->signal : 0;
  if (attached_) attached_->End(t.exit_code);
  t.started_nanos = status.state.running ? status.state.running->started_nanos : 0;
  t.finished_nanos = NowNanos();
  // As container runtimes say it: whatever of the container the kernel ended, that is why it
  // failed.
  bool oom = t.exit_code != 0 && cgroup_->Stats().value_or({}).oom_kills > 0;
  t.reason = oom ? "OOMKilled" : t.exit_code == 0 ? "Completed" : "Error";
  t.message = ReadTerminationMessage(termination_log_);
  if (t.message.empty() && message_from_log_ && t.exit_code != 0) t.message = LogTail(log_path_);
  // A new group for each run: its counts start anew, and some kernels (6.14 to at least 6.18) kill
  // whatever is born in a group whose cgroup.kill was ever written.
  (void)cgroup_->Remove();
  cgroup_.reset();
  started_.reset();
  status.pid = 0;
  status.started = status.ready = false;
  status.state = ContainerState{};
  status.state.terminated = t;
  RemoveRoot();
  auto done = std::move(on_exit_);
  done();
}

Status ContainerRun::JoinProcessesOf(pid_t pid) {
  pid_namespace_ = TRY(Open(StrCat("/proc/", pid, "/ns/pid"), O_RDONLY));
  return OkStatus();
}

void ContainerRun::Signal(int signal) {
  if (started_) ::syscall(SYS_pidfd_send_signal, started_->child.pidfd.get(), signal, nullptr, 0);
}

void ContainerRun::Kill() {
  if (!started_) return;
  Signal(SIGKILL);
  if (sandbox_->pid_namespace() >= 0 || cgroup_) (void)cgroup_->Kill();
}

void ContainerRun::RemoveRoot() {
  devices_.clear();
  for (std::string* directory : {&upper_, &work_}) {
    if (!directory->empty()) (void)RemoveAll(std::exchange(*directory, ""));
  }
}

void ContainerRun::Clean() {
  if (cgroup_) (void)cgroup_->Remove();
  cgroup_.reset();
  RemoveRoot();
}

}  // namespace kpod::pods
