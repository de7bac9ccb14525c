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
#include "pods/late_values.h"
#include "pods/launch.h"
#include "pods/lookups.h"
#include "pods/pod_phase.h"
#include "pods/retry.h"
#include "pods/volumes.h"

namespace kpod::pods {

Supervisor::Supervisor(store::Paths paths, std::string ns, std::string name, SpareNamespaces spare)
    : paths_(std::move(paths)),
      ns_(std::move(ns)),
      name_(std::move(name)),
      spare_(std::move(spare)) {}

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
  beginning_ = false;
  TellEndpoints();
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
  char node[65] = {};  // before the pod's own name is in force
  ::gethostname(node, sizeof(node) - 1);
  sandbox_ = TRY(Sandbox::Enter(paths_, plan_, std::move(spare_)));
  endpoints_.emplace(paths_, ns_, &*loop_, &*sandbox_);
  status_.pod_ip = sandbox_->attachment().ip;
  status_.host_ip = sandbox_->attachment().host_ip;
  FillAddresses({status_.pod_ip, status_.host_ip}, &plan_);
  TRY(ServeDns());
  payloads_.emplace(paths_, &*loop_, &plan_, node);
  TRY(payloads_->Write());
  TRY(MountImageVolumes(paths_, plan_, sandbox_->user_namespace(), &image_volumes_));
  (void)TRY(
      runtime::Cgroup::Create(CgroupPath(paths_, plan_.Id()), PodResourcesFor(plan_), warnings));
  MakeContainers();
  TRY(Advance(true, warnings));
  TRY(ServeControl());
  if (plan_.active_deadline_seconds) {
    loop_->After(*plan_.active_deadline_seconds * Backoff::kSecond, [this] { OnDeadline(); });
  }
  ArmStorageCheck();
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
  ending_ = true;
  for (ContainerLife* c : all_) {
    c->CancelRestart();
    c->Terminate(0, false);
    while (c->state() == ContainerLife::State::kRunning) (void)loop_->Step(100'000'000);
    c->run().Clean();
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

// The plan changed: what was missing came, or a label did. Running containers are left alone.
void Supervisor::Reload() {
  Result<Json> text = ReadJsonFile(paths_.Pod(ns_, name_) + "/plan.json");
  if (!text) return;
  Result<Plan> plan = PlanFromJson(*text);
  if (!plan || plan->containers.size() != plan_.containers.size() ||
      plan->init_containers.size() != plan_.init_containers.size())
    return;
  Plan before = std::exchange(plan_, std::move(*plan));
  FillAddresses({status_.pod_ip, status_.host_ip}, &plan_);
  if (ending_) return;
  Resize(before);
  Status written = payloads_->Write();
  if (!written) Tell("Warning", "FailedMount", "", written.error().message());
  Status mounted = MountImageVolumes(paths_, plan_, sandbox_->user_namespace(), &image_volumes_);
  if (!mounted && plan_.blocked.reason.empty())
    plan_.blocked = {"CreateContainerConfigError", mounted.error().message()};
  std::vector<std::string> warnings;
  (void)Advance(true, &warnings);
  Save();
  ArmRetry();
}

void Supervisor::ArmRetry() {
  if (ending_ || retry_.pidfd || retry_timer_ != 0 || !WaitsForRetry(plan_)) return;
  retry_timer_ = loop_->After(RetryDelayNanos(retries_++), [this] {
    retry_timer_ = 0;
    if (!ending_ && WaitsForRetry(plan_)) StartRetrying();
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

void Supervisor::End() {
  EndRetry();
  over_ = true;
  for (ContainerLife* c : all_) {
    ContainerStatus& s = c->status();
    if (s.state.waiting) {  // stopped while it waited
      Waiting none{c->init() || status_.initialized ? "ContainerCreating" : "PodInitializing", ""};
      s.state = s.last_state;
      if (!s.state.terminated) s.state.waiting = none;
    }
    c->run().Clean();
  }
  if (dns_) {
    loop_->Forget(dns_->Descriptor());
    loop_->Cancel(dns_timer_);
    dns_.reset();
  }
  // No Service sends anybody to the address any more when it becomes free.
  Save();
  endpoints_->Finish();
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
  if (failed_ && !plan_.owner_kind.empty() && !status_.stopped)
    (void)StartReplacement(paths_, plan_, *sandbox_);
  loop_->Stop();
}

// --- status

void Supervisor::Save() {
  status_.init_containers.clear();
  for (const auto& c : init_) {
    status_.init_containers.push_back(c->status());
    status_.init_containers.back().sidecar = c->sidecar();
  }
  status_.containers.clear();
  for (const auto& c : main_) status_.containers.push_back(c->status());
  status_.ephemeral_containers.clear();
  for (const auto& d : debugs_) status_.ephemeral_containers.push_back(d->run.status);
  status_.initialized = status_.initialized || AreInitialized(plan_, status_.init_containers);
  // A pod past its deadline, or evicted, stays failed, whatever its containers' ends were.
  if (!failed_) status_.phase = PhaseOf(status_, over_);
  status_.qos_class = plan_.qos_class;
  status_.conditions = ConditionsOf(plan_, status_, NowNanos());
  (void)WriteFileAtomic(paths_.Pod(ns_, name_) + "/status.json", Dump(ToJson(status_), 1));
  if (!beginning_ && !over_) TellEndpoints();
}

// When something has changed that decides who is sent here.
void Supervisor::TellEndpoints() {
  std::string now = StrCat(status_.IsReady(), status_.stopped, status_.phase);
  for (const auto& [key, value] : plan_.labels) now += StrCat("\n", key, "=", value);
  if (now == told_endpoints_) return;
  told_endpoints_ = std::move(now);
  endpoints_->Notify();
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
