#include "pods/supervisor.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "pods/control.h"
#include "pods/events.h"
#include "pods/launch.h"
#include "pods/lookups.h"
#include "pods/retry.h"
#include "pods/volumes.h"

namespace kpod::pods {

Supervisor::Supervisor(store::Paths paths, std::string ns, std::string name)
    : paths_(std::move(paths)), ns_(std::move(ns)), name_(std::move(name)) {}

int Supervisor::Run(Fd handshake) {
  std::vector<std::string> warnings;
  Status begun = Begin(&warnings);
  Json answer = Json::object();
  if (begun) {
    answer["ready"] = true;
    answer["warnings"] = warnings;
  } else {
    GiveUp();
    answer["error"] = begun.error().message();
    answer["exit"] = begun.error().exit_code();
  }
  (void)SendWithFds(handshake.get(), Dump(answer), {});
  handshake.Reset();
  if (!begun) return begun.error().exit_code();
  CheckEnd();
  ::malloc_trim(0);  // the plan was parsed and is gone: a supervisor stays for days
  Status ran = loop_->Run();
  return ran ? 0 : kExitFailure;
}

Status Supervisor::Begin(std::vector<std::string>* warnings) {
  Result<FileLock> lock = FileLock::TryAcquire(paths_.Alive(ns_, name_));
  if (!lock)
    return lock.error().code() == EWOULDBLOCK ? Error("already running") : std::move(lock.error());
  alive_ = std::move(*lock);
  TRY(MarkStarting());
  // Before the plan is read: who writes a new one and finds nobody listening knows that it will be
  // read.
  control_ = TRY(ListenControl(paths_.Control(ns_, name_)));
  Json plan = TRY(ReadJsonFile(paths_.Pod(ns_, name_) + "/plan.json"));
  plan_ = TRY(PlanFromJson(plan));
  loop_ = TRY(Loop::Create());
  TRY(WatchSignals());
  status_.supervisor_pid = ::getpid();
  status_.start_nanos = NowNanos();
  sandbox_ = TRY(Sandbox::Enter(paths_, plan_));
  status_.pod_ip = sandbox_->attachment().ip;
  TRY(ServeDns());
  TRY(WriteSecrets());
  (void)TRY(
      runtime::Cgroup::Create(CgroupPath(paths_, plan_.Id()), PodResourcesFor(plan_), warnings));
  TRY(StartContainers(warnings));
  TRY(ServeControl());
  Save();
  ArmRetry();
  return OkStatus();
}

// A pod that has run before has a status that says how it ended; behind it nobody would see that
// this process died while it started. Without a status the pod is half made, and goes altogether.
Status Supervisor::MarkStarting() {
  std::string directory = paths_.Pod(ns_, name_);
  SweepTemps(directory, "status.json");
  Result<std::string> before = ReadFile(directory + "/status.json");
  if (!before) return OkStatus();
  status_before_ = std::move(*before);
  PodStatus starting;
  starting.supervisor_pid = ::getpid();
  return WriteFileAtomic(directory + "/status.json", Dump(ToJson(starting), 1));
}

// Nothing half-made: what has started is killed before the command hears of the failure.
void Supervisor::GiveUp() {
  gave_up_ = true;
  for (auto& c : containers_) {
    if (c->running()) {
      c->Kill();
      while (c->running()) (void)loop_->Step(100'000'000);
    }
    c->Clean();
  }
  if (sandbox_) (void)sandbox_->Leave();
  if (!alive_) return;  // somebody else's pod
  (void)runtime::Cgroup::At(CgroupPath(paths_, StrCat(ns_, "_", name_))).Remove();
  ::unlink(paths_.Control(ns_, name_).c_str());
  if (!status_before_) return;
  (void)WriteFileAtomic(paths_.Pod(ns_, name_) + "/status.json", *status_before_);
}

Status Supervisor::WatchSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Error::Errno("signalfd");
  return loop_->OnReadable(signals_.get(), [this] {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    }
    Stop(std::nullopt);
  });
}

// --- containers
// ------------------------------------------------------------------------------------------------------

// Secret volumes are in memory that only this process's mount namespace sees, so it writes them
// itself, from the objects as they are now.
Status Supervisor::WriteSecrets() {
  std::optional<Lookups> lookups;
  for (const VolumePlan& v : plan_.volumes) {
    if (v.kind != VolumePlan::Kind::kSecret) continue;
    if (!lookups) {
      LookupOptions options;
      options.pull = false;
      lookups = MakeLookups(paths_, ns_, options);
    }
    std::optional<kube::StringMap> data = KeyedData(*lookups, v);
    if (!data && !v.keyed.optional) continue;  // the plan is blocked, or it was deleted just now
    Result<std::vector<PayloadFile>> files =
        PayloadFor(v.keyed, data.value_or(kube::StringMap{}), true);
    if (!files) continue;  // likewise
    TRY(WritePayload(VolumePath(paths_, plan_, v), *files, plan_.fs_group)
            .Context("volume " + v.name));
  }
  return OkStatus();
}

Status Supervisor::StartContainers(std::vector<std::string>* warnings) {
  for (size_t i = 0; i < plan_.containers.size(); ++i) {
    containers_.push_back(std::make_unique<ContainerRun>(paths_, &*loop_, &*sandbox_));
    containers_.back()->status.name = plan_.containers[i].name;
    containers_.back()->status.image = plan_.containers[i].image;
    TRY(StartContainer(i, warnings));
  }
  return OkStatus();
}

Status Supervisor::StartContainer(size_t index, std::vector<std::string>* warnings) {
  const ContainerPlan& c = plan_.containers[index];
  ContainerRun& run = *containers_[index];
  const Blocked& blocked = plan_.blocked.reason.empty() ? c.blocked : plan_.blocked;
  if (!blocked.reason.empty()) {
    run.status.state = ContainerState{};
    if (blocked.reason == "ErrImagePull" && retries_ > 0) {
      std::string words = StrCat("Back-off pulling image \"", c.image, "\"");
      run.status.state.waiting =
          Waiting{"ImagePullBackOff", StrCat(words, ": ErrImagePull: ", blocked.message)};
      Tell("Normal", "BackOff", c.name, words);
      return OkStatus();
    }
    run.status.state.waiting = Waiting{blocked.reason, blocked.message};
    Tell("Warning", "Failed", c.name, "Error: " + blocked.message);
    return OkStatus();
  }
  TRY(run.Start(
             plan_, c, [this, index] { OnContainerExit(index); }, warnings)
          .Context("container " + c.name));
  Tell("Normal", "Started", c.name, "Started container " + c.name);
  return OkStatus();
}

void Supervisor::OnContainerExit(size_t index) {
  if (gave_up_) return;
  ContainerRun& run = *containers_[index];
  const ContainerPlan& c = plan_.containers[index];
  int code = run.status.state.terminated->exit_code;
  if (stopping_ || !ShouldRestart(plan_.restart_policy, code)) {
    CheckEnd();
    Save();
    return;
  }
  int64_t delay = run.backoff.NextDelay(MonotonicNanos());
  if (delay == 0) {
    Restart(index);
    Save();
    return;
  }
  run.status.last_state = run.status.state;
  run.status.state = ContainerState{};
  run.status.state.waiting =
      Waiting{"CrashLoopBackOff",
              StrCat("back-off ", HumanDuration(delay), " restarting failed container=", c.name,
                     " pod=", name_, "_", ns_)};
  Tell("Warning", "BackOff", c.name,
       StrCat("Back-off restarting failed container ", c.name, " in pod ", name_));
  run.restart_timer = loop_->After(delay, [this, index] {
    Restart(index);
    Save();
  });
  Save();
}

void Supervisor::Restart(size_t index) {
  ContainerRun& run = *containers_[index];
  const ContainerPlan& c = plan_.containers[index];
  run.restart_timer = 0;
  if (run.status.state.terminated) run.status.last_state = run.status.state;
  ++run.status.restart_count;
  std::vector<std::string> warnings;
  Status started = StartContainer(index, &warnings);
  if (started) return;
  // It ran before and does not start now: that is the pod's trouble, told in its status and tried
  // again.
  int64_t delay = std::max<int64_t>(run.backoff.NextDelay(MonotonicNanos()), Backoff::kInitial);
  run.status.state = ContainerState{};
  run.status.state.waiting = Waiting{"RunContainerError", started.error().message()};
  Tell("Warning", "Failed", c.name, "Error: " + started.error().message());
  run.restart_timer = loop_->After(delay, [this, index] {
    Restart(index);
    Save();
  });
}

// The plan changed: what was missing came, or a label did. Running containers are left alone.
void Supervisor::Reload() {
  Result<Json> text = ReadJsonFile(paths_.Pod(ns_, name_) + "/plan.json");
  if (!text) return;
  Result<Plan> plan = PlanFromJson(*text);
  if (!plan || plan->containers.size() != plan_.containers.size()) return;
  plan_ = std::move(*plan);
  if (stopping_) return;
  Status written = WriteSecrets();
  if (!written) Tell("Warning", "FailedMount", "", written.error().message());
  for (size_t i = 0; i < containers_.size(); ++i) {
    ContainerRun& run = *containers_[i];
    bool waits = run.status.state.waiting && run.restart_timer == 0;
    if (run.running() || !waits) continue;
    std::vector<std::string> warnings;
    if (StartContainer(i, &warnings)) continue;
    --run.status.restart_count;
    Restart(i);
  }
  Save();
  ArmRetry();
}

void Supervisor::ArmRetry() {
  if (stopping_ || retry_.pidfd || retry_timer_ != 0 || !WaitsForRetry(plan_)) return;
  retry_timer_ = loop_->After(RetryDelayNanos(retries_++), [this] {
    retry_timer_ = 0;
    if (!stopping_ && WaitsForRetry(plan_)) StartRetrying();
  });
}

void Supervisor::StartRetrying() {
  Result<Child> child = StartRetry(paths_, plan_, *sandbox_);
  if (!child) return ArmRetry();
  retry_ = std::move(*child);
  (void)loop_->OnReadable(retry_.pidfd.get(), [this] {
    EndRetry();
    ArmRetry();
  });
}

void Supervisor::EndRetry() {
  loop_->Cancel(retry_timer_);
  retry_timer_ = 0;
  if (!retry_.pidfd) return;
  loop_->Forget(retry_.pidfd.get());
  ::syscall(SYS_pidfd_send_signal, retry_.pidfd.get(), SIGKILL, nullptr, 0);
  (void)WaitFor(retry_);
  retry_ = Child{};
}

// --- the end
// ---------------------------------------------------------------------------------------------------------

void Supervisor::Stop(std::optional<int64_t> grace_seconds) {
  int64_t grace = grace_seconds.value_or(plan_.grace_seconds);
  bool first = !stopping_;
  stopping_ = true;
  status_.stopped = true;
  if (first) Save();  // dead from here on, it was stopped and not lost
  for (size_t i = 0; i < containers_.size(); ++i) {
    ContainerRun& run = *containers_[i];
    loop_->Cancel(run.restart_timer);
    run.restart_timer = 0;
    if (!run.running()) continue;
    if (first)
      Tell("Normal", "Killing", plan_.containers[i].name,
           "Stopping container " + plan_.containers[i].name);
    if (grace <= 0) {
      run.Kill();
    } else {
      run.Signal(plan_.containers[i].stop_signal);
    }
  }
  if (grace > 0) {
    loop_->After(grace * Backoff::kSecond, [this] {
      for (auto& run : containers_) run->Kill();
    });
  }
  CheckEnd();
}

void Supervisor::CheckEnd() {
  for (const auto& run : containers_) {
    if (run->running()) return;
    if (!stopping_ && (run->status.state.waiting || run->restart_timer != 0)) return;
  }
  End();
}

void Supervisor::End() {
  EndRetry();
  for (auto& run : containers_) {
    if (run->status.state.waiting) {  // stopped while it waited
      run->status.state = run->status.last_state;
      if (!run->status.state.terminated)
        run->status.state.waiting = Waiting{"ContainerCreating", ""};
    }
    run->Clean();
  }
  if (dns_) {
    loop_->Forget(dns_->Descriptor());
    loop_->Cancel(dns_timer_);
    dns_.reset();
  }
  Status left = sandbox_->Leave();
  if (!left) Tell("Warning", "FailedKillPod", "", left.error().message());
  (void)runtime::Cgroup::At(CgroupPath(paths_, plan_.Id())).Remove();
  status_.supervisor_pid = 0;
  Save();
  ::unlink(paths_.Control(ns_, name_).c_str());
  control_.Reset();
  alive_.reset();
  for (Client& c : clients_) {
    if (c.waits_for_end) Answer(c.fd.get(), {{"ok", true}});
  }
  loop_->Stop();
}

// --- status
// ----------------------------------------------------------------------------------------------------------

std::string Supervisor::Phase() const {
  bool all_ended = true;
  bool all_well = true;
  bool any_began = false;
  for (const auto& run : containers_) {
    const ContainerState& s = run->status.state;
    any_began = any_began || s.running || s.terminated || run->status.last_state.terminated;
    all_ended = all_ended && s.terminated && run->restart_timer == 0;
    all_well = all_well && s.terminated && s.terminated->exit_code == 0;
  }
  if (!all_ended) return any_began ? "Running" : "Pending";
  return all_well ? "Succeeded" : "Failed";
}

void Supervisor::Save() {
  status_.phase = Phase();
  status_.containers.clear();
  for (const auto& run : containers_) status_.containers.push_back(run->status);
  (void)WriteFileAtomic(paths_.Pod(ns_, name_) + "/status.json", Dump(ToJson(status_), 1));
}

void Supervisor::Tell(const std::string& type, const std::string& reason,
                      const std::string& container, const std::string& message) {
  Event e;
  e.type = type;
  e.reason = reason;
  e.ns = ns_;
  e.name = name_;
  e.container = container;
  e.message = message;
  Emit(paths_, std::move(e));
}

}  // namespace kpod::pods
