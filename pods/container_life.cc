#include "pods/container_life.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

// What a container gets at least between its stop signal and SIGKILL, however long its hook took
// (the kubelet's minimumGracePeriodInSeconds).
constexpr int64_t kLeastGrace = 2 * Backoff::kSecond;

}  // namespace

ContainerLife::ContainerLife(const Owner& owner, bool init, size_t index)
    : owner_(owner), init_(init), index_(index), run_(owner.paths, owner.loop, owner.sandbox) {
  status().name = plan().name;
  status().image = plan().image;
  status().init = init;
}

const ContainerPlan& ContainerLife::plan() const {
  return (init_ ? owner_.plan->init_containers : owner_.plan->containers)[index_];
}

bool ContainerLife::done() const {
  const auto& t = status().state.terminated;
  return init_ && state_ == State::kEnded && t && t->exit_code == 0;
}

AttemptContext ContainerLife::Context(bool hook) {
  AttemptContext context;
  context.loop = owner_.loop;
  context.pod_ip = owner_.sandbox->attachment().ip;
  context.host_netns_fd = owner_.sandbox->host_netns();
  context.hook = hook;
  context.exec = [this](const std::vector<std::string>& argv, int output) {
    return run_.Exec(*owner_.plan, plan(), argv, output);
  };
  return context;
}

// --- a run begins

Status ContainerLife::Start(std::vector<std::string>* warnings) {
  if (ran_) ++status().restart_count;
  Status started = run_.Start(
      *owner_.plan, plan(), [this] { OnExit(); }, warnings);
  if (!started) {
    if (ran_) --status().restart_count;
    return std::move(started).Context("container " + plan().name);
  }
  ran_ = true;
  state_ = State::kRunning;
  started_at_ = MonotonicNanos();
  terminating_ = signalled_ = waits_for_turn_ = false;
  owner_.tell("Normal", "Started", plan().name, "Started container " + plan().name);
  OnStarted();
  return OkStatus();
}

void ContainerLife::OnStarted() {
  if (!plan().post_start) return BeginProbes();
  hook_ = StartAttempt(Context(true), *plan().post_start, 0, [this](const AttemptResult& r) {
    hook_.reset();
    if (r.success && r.warning)
      owner_.tell("Warning", "LifecycleHTTPFallback", plan().name, r.message);
    if (r.success) {
      BeginProbes();
    } else {
      owner_.tell("Warning", "FailedPostStartHook", plan().name,
                  "PostStartHook failed: " + r.message);
      owner_.tell("Normal", "Killing", plan().name, "FailedPostStartHook");
      Terminate(owner_.plan->grace_seconds * Backoff::kSecond, false);
    }
    owner_.changed();
  });
}

std::unique_ptr<Prober> ContainerLife::MakeProber(const kube::Probe& probe, const char* kind,
                                                  std::function<void(bool)> result) {
  kube::Probe p = probe;
  // The delay counts from the start of the container, not from the end of what came between.
  int64_t passed = (MonotonicNanos() - started_at_) / Backoff::kSecond;
  p.initial_delay = static_cast<int>(std::max<int64_t>(0, p.initial_delay - passed));
  Prober::Callbacks callbacks;
  callbacks.failed_attempt = [this, kind](const std::string& message) {
    owner_.tell("Warning", "Unhealthy", plan().name, StrCat(kind, " probe failed: ", message));
  };
  callbacks.errored_attempt = [this, kind](const std::string& message) {
    owner_.tell("Warning", "Unhealthy", plan().name,
                StrCat(kind, " probe errored and resulted in unknown state: ", message));
  };
  callbacks.warned_attempt = [this, kind](const std::string& message) {
    owner_.tell("Warning", "ProbeWarning", plan().name, StrCat(kind, " probe warning: ", message));
  };
  callbacks.result = [result = std::move(result)](bool success, const std::string&) {
    result(success);
  };
  return std::make_unique<Prober>(Context(false), p, std::move(callbacks));
}

void ContainerLife::BeginProbes() {
  if (!plan().startup_probe) return Up();
  startup_ = MakeProber(*plan().startup_probe, "Startup", [this](bool success) {
    if (!success) return FailProbe("startup", *plan().startup_probe);
    auto done = std::move(startup_);
    Up();
    owner_.changed();
  });
}

void ContainerLife::Up() {
  status().started = true;
  if (plan().readiness_probe) {
    readiness_ = MakeProber(*plan().readiness_probe, "Readiness", [this](bool success) {
      if (status().ready == success) return;
      status().ready = success;
      owner_.changed();
    });
  } else {
    // A regular init container is ready when it is done.
    status().ready = !init_ || sidecar();
  }
  if (plan().liveness_probe) {
    liveness_ = MakeProber(*plan().liveness_probe, "Liveness", [this](bool success) {
      if (!success) FailProbe("liveness", *plan().liveness_probe);
    });
  }
}

void ContainerLife::FailProbe(const char* kind, const kube::Probe& probe) {
  if (terminating_) return;
  bool again = WillRestart(plan(), init_, 137);
  owner_.tell("Normal", "Killing", plan().name,
              StrCat("Container ", plan().name, " failed ", kind, " probe",
                     again ? ", will be restarted" : ""));
  int64_t grace = probe.termination_grace_period.value_or(owner_.plan->grace_seconds);
  Terminate(grace * Backoff::kSecond, false);
}

// --- a run ends

void ContainerLife::Terminate(int64_t grace_nanos, bool in_turn) {
  if (state_ != State::kRunning) return;
  if (grace_nanos <= 0) {
    terminating_ = signalled_ = true;
    ForgetRun();
    return run_.Kill();
  }
  int64_t deadline = MonotonicNanos() + grace_nanos;
  if (terminating_) {
    if (deadline >= deadline_) return;
    deadline_ = deadline;
    if (signalled_) {
      owner_.loop->Cancel(kill_timer_);
      kill_timer_ = owner_.loop->At(deadline_, [this] { run_.Kill(); });
    }
    return;
  }
  // Readiness is asked on: a program that drains its connections may say so.
  startup_.reset();
  liveness_.reset();
  hook_.reset();
  terminating_ = true;
  deadline_ = deadline;
  waits_for_turn_ = in_turn;
  // Whatever it waits for, its hook or its turn: not beyond its time.
  turn_timer_ = owner_.loop->At(deadline_, [this] {
    turn_timer_ = 0;
    hook_.reset();
    Signal();
  });
  if (!plan().pre_stop) {
    if (!waits_for_turn_) Signal();
    return;
  }
  hook_ = StartAttempt(Context(true), *plan().pre_stop, 0, [this](const AttemptResult& r) {
    hook_.reset();
    if (!r.success)
      owner_.tell("Warning", "FailedPreStopHook", plan().name, "PreStopHook failed: " + r.message);
    if (!waits_for_turn_) Signal();
  });
}

void ContainerLife::GiveTurn() {
  if (!terminating_ || !waits_for_turn_) return;
  waits_for_turn_ = false;
  if (!hook_) Signal();
}

void ContainerLife::Signal() {
  if (signalled_) return;
  signalled_ = true;
  owner_.loop->Cancel(turn_timer_);
  turn_timer_ = 0;
  run_.Signal(plan().stop_signal);
  int64_t now = MonotonicNanos();
  // What its hook or its turn took of a time that was longer is given back in part.
  bool delayed = plan().pre_stop || sidecar();
  int64_t until = delayed ? std::max(deadline_, now + kLeastGrace) : deadline_;
  kill_timer_ = owner_.loop->At(until, [this] {
    kill_timer_ = 0;
    run_.Kill();
  });
}

void ContainerLife::ForgetRun() {
  for (Loop::TimerId* timer : {&kill_timer_, &turn_timer_}) {
    owner_.loop->Cancel(*timer);
    *timer = 0;
  }
  hook_.reset();
  startup_.reset();
  readiness_.reset();
  liveness_.reset();
}

void ContainerLife::OnExit() {
  ForgetRun();
  terminating_ = false;
  state_ = State::kEnded;
  if (init_ && !sidecar()) status().ready = done();
  owner_.ended(*this);
}

// --- and again

void ContainerLife::Wait(const std::string& reason, const std::string& message) {
  if (status().state.terminated) status().last_state = status().state;
  status().state = ContainerState{};
  status().state.waiting = Waiting{reason, message};
}

int64_t ContainerLife::TakeBackoff() { return backoff_.NextDelay(MonotonicNanos()); }

void ContainerLife::RestartLater() {
  int64_t delay = TakeBackoff();
  if (delay == 0) return StartOrRetry();
  state_ = State::kBackOff;
  const std::string& name = plan().name;
  Wait("CrashLoopBackOff",
       StrCat("back-off ", HumanDuration(delay), " restarting failed container=", name,
              " pod=", owner_.plan->name, "_", owner_.plan->ns));
  owner_.tell("Warning", "BackOff", name,
              StrCat("Back-off restarting failed container ", name, " in pod ", owner_.plan->name));
  restart_timer_ = owner_.loop->After(delay, [this] {
    StartOrRetry();
    owner_.changed();
  });
}

void ContainerLife::StartOrRetry() {
  restart_timer_ = 0;
  if (status().state.terminated) status().last_state = status().state;
  std::vector<std::string> warnings;
  Status started = Start(&warnings);
  if (started) return;
  // It ran before and does not start now, or an env file lacks its key: that is the pod's trouble,
  // told in its status and tried again.
  int64_t delay = std::max<int64_t>(TakeBackoff(), Backoff::kInitial);
  state_ = State::kBackOff;
  bool configured = started.error().code() != kNotConfigured;
  Wait(configured ? "RunContainerError" : "CreateContainerConfigError", started.error().message());
  owner_.tell("Warning", "Failed", plan().name, "Error: " + started.error().message());
  restart_timer_ = owner_.loop->After(delay, [this] {
    StartOrRetry();
    owner_.changed();
  });
}

void ContainerLife::CancelRestart() {
  owner_.loop->Cancel(restart_timer_);
  restart_timer_ = 0;
  if (state_ == State::kBackOff) state_ = State::kEnded;
}

void ContainerLife::Replace() {
  replaced_ = true;
  Terminate(owner_.plan->grace_seconds * Backoff::kSecond, false);
}

void ContainerLife::Reset() {
  CancelRestart();
  if (state_ == State::kRunning) return;
  if (state_ == State::kEnded) Wait(init_ ? "PodInitializing" : "ContainerCreating", "");
  status().ready = status().started = false;
  state_ = State::kIdle;
}

}  // namespace kpod::pods
