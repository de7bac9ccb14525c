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
#include "pods/relabel.h"
#include "pods/termination_message.h"
#include "pods/volumes.h"
#include "runtime/apparmor.h"
#include "runtime/selinux.h"

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

}  // namespace

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
  for (const std::string& label : {c.selinux_label, c.file_label}) {
    if (!label.empty()) TRY(runtime::CheckLabel(label));
  }
  TRY(RelabelMounts(paths_, plan, c, spec));
  if (c.apparmor == runtime::kDefaultAppArmorProfile) {
    TRY(runtime::LoadDefaultAppArmorProfile(runtime::ReadAppArmorHost()));
  }
  cgroup_ = TRY(runtime::Cgroup::Create(spec.cgroups_path, spec.resources, warnings));

  runtime::StartOptions options;
  options.rootfs = {c.layers, dirs.upper, dirs.work, !plan.host_users};
  spec.uid_mappings = spec.gid_mappings = sandbox_->id_map();
  if (sandbox_->user_namespace() >= 0)
    options.join.push_back({sandbox_->user_namespace(), CLONE_NEWUSER});
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
  t.message =
      TerminationMessage(termination_log_, message_from_log_ && t.exit_code != 0 ? log_path_ : "");
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
