// Which container starts when, and which goes when: init containers one by one, each sidecar among
// them once the one before has started, then the others; sidecars go last, in reverse.
// Source: Kubernetes, Init Containers, Sidecar Containers (KEP-753), Pod Lifecycle.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "pods/supervisor.h"

namespace kpod::pods {

using State = ContainerLife::State;

void Supervisor::MakeContainers() {
  owner_.emplace(ContainerLife::Owner{
      paths_, &*loop_, &*sandbox_, &plan_,
      [this](const char* type, const char* reason, const std::string& container,
             const std::string& message) { Tell(type, reason, container, message); },
      [this] { OnChanged(); }, [this](ContainerLife& life) { OnEnded(life); }});
  auto make = [&](bool init, size_t count, std::vector<std::unique_ptr<ContainerLife>>* to) {
    for (size_t i = 0; i < count; ++i) {
      to->push_back(std::make_unique<ContainerLife>(*owner_, init, i));
      all_.push_back(to->back().get());
      bool follows = !init && !plan_.init_containers.empty();
      to->back()->Wait(follows || (init && i > 0) ? "PodInitializing" : "ContainerCreating", "");
    }
  };
  make(true, plan_.init_containers.size(), &init_);
  make(false, plan_.containers.size(), &main_);
}

// --- up

// Starts what may start now. Level-triggered: called after whatever happened. `news`: the plan is
// new, so what is in a container's way is told again. Errors are those of a pod that begins; later
// they are kept in the container's status and tried again.
Status Supervisor::Advance(bool news, std::vector<std::string>* warnings) {
  if (ending_ || restarting_all_) return OkStatus();
  bool through = true;
  if (!status_.initialized) TRY(AdvanceInit(news, warnings, &through));
  if (!through) return OkStatus();
  status_.initialized = true;
  for (const auto& life : init_) {  // a sidecar that waited when the pod started anew
    if (life->sidecar()) TRY(StartIfReady(*life, news, warnings));
  }
  for (const auto& life : main_) {
    TRY(StartIfReady(*life, news, warnings));
    if (life->in_post_start()) break;
  }
  return OkStatus();
}

Status Supervisor::AdvanceInit(bool news, std::vector<std::string>* warnings, bool* through) {
  *through = false;
  for (const auto& life : init_) {
    if (life->done()) continue;
    TRY(StartIfReady(*life, news, warnings));
    bool up = life->sidecar() && life->state() == State::kRunning && life->status().started;
    if (!up) return OkStatus();
  }
  *through = true;
  return OkStatus();
}

Status Supervisor::StartIfReady(ContainerLife& life, bool news,
                                std::vector<std::string>* warnings) {
  if (life.state() != State::kIdle) return OkStatus();
  const ContainerPlan& c = life.plan();
  const Blocked& blocked = plan_.blocked.reason.empty() ? c.blocked : plan_.blocked;
  if (blocked.reason.empty()) {
    if (beginning_ && c.env_files.empty()) return life.Start(warnings);
    life.StartOrRetry();
    return OkStatus();
  }
  std::string before = life.status().state.waiting ? life.status().state.waiting->message : "";
  if (blocked.reason == "ErrImagePull" && retries_ > 0) {
    std::string words = StrCat("Back-off pulling image \"", blocked.image, "\"");
    life.Wait("ImagePullBackOff", StrCat(words, ": ErrImagePull: ", blocked.message));
    if (news) Tell("Normal", "BackOff", c.name, words);
    return OkStatus();
  }
  life.Wait(blocked.reason, blocked.message);
  if (news || before != blocked.message)
    Tell("Warning", "Failed", c.name, "Error: " + blocked.message);
  return OkStatus();
}

void Supervisor::OnChanged() {
  if (beginning_) return;  // Begin is at it
  std::vector<std::string> warnings;
  (void)Advance(false, &warnings);
  CheckEnd();
  if (!over_) Save();
}

void Supervisor::OnEnded(ContainerLife& life) {
  int code = life.status().state.terminated->exit_code;
  bool replaced = life.TakeReplaced();
  if (restarting_all_) {
    StartAnew();
  } else if (!ending_ && replaced) {
    life.StartOrRetry();
  } else if (!ending_ && RestartsAll(life.plan(), code)) {
    RestartAll(life);
  } else if (!ending_ && WillRestart(life.plan(), life.init(), code)) {
    life.RestartLater();
  } else if (!ending_ && life.init() && !life.done()) {
    // An init container that failed for good: the pod has failed, its sidecars go.
    Finish(plan_.grace_seconds * Backoff::kSecond);
  }
  GiveTurns();
  OnChanged();
}

// All containers end at once and the pod starts anew with its init containers, in the same sandbox
// (KEP-5532); not more often than the one that asked for it may restart.
void Supervisor::RestartAll(ContainerLife& because) {
  restarting_all_ = true;
  Tell("Normal", "RestartAllContainers", because.plan().name,
       StrCat("Container ", because.plan().name, " asks for a restart of all containers"));
  int64_t delay = because.TakeBackoff();
  for (ContainerLife* c : all_) {
    c->CancelRestart();
    c->Terminate(0, false);
  }
  restart_all_at_ = MonotonicNanos() + delay;
  StartAnew();
}

void Supervisor::StartAnew() {
  for (ContainerLife* c : all_) {
    if (c->state() == State::kRunning) return;
  }
  loop_->Cancel(restart_all_timer_);
  restart_all_timer_ = loop_->At(restart_all_at_, [this] {
    restart_all_timer_ = 0;
    restarting_all_ = false;
    if (ending_) return;
    status_.initialized = false;
    for (ContainerLife* c : all_) c->Reset();
    OnChanged();
  });
}

// --- down

void Supervisor::Stop(std::optional<int64_t> grace_seconds) {
  bool first = !ending_;
  status_.stopped = true;
  ending_ = true;
  int64_t grace = grace_seconds.value_or(plan_.grace_seconds) * Backoff::kSecond;
  auto finish = [this, grace] {
    if (over_) return;
    Finish(grace);
    CheckEnd();
  };
  if (!first) return finish();
  Save();  // dead from here on, it was stopped and not lost
  for (ContainerLife* c : all_) {
    if (c->state() == State::kRunning)
      Tell("Normal", "Killing", c->plan().name, "Stopping container " + c->plan().name);
  }
  // New connections go elsewhere before the programs hear that they shall end.
  endpoints_->Notify(finish);
}

void Supervisor::OnDeadline() {
  if (ending_) return;
  std::string message = "Pod was active on the node longer than the specified deadline";
  Tell("Normal", "DeadlineExceeded", "", message);
  Fail("DeadlineExceeded", message, plan_.grace_seconds * Backoff::kSecond);
}

void Supervisor::Fail(const char* reason, const std::string& message, int64_t grace_nanos) {
  failed_ = true;
  status_.phase = "Failed";
  status_.reason = reason;
  status_.message = message;
  Finish(grace_nanos);
  CheckEnd();
  if (!over_) Save();
}

// Nothing starts any more; what runs is asked to go. Called again with less time, that counts.
void Supervisor::Finish(int64_t grace_nanos) {
  ending_ = true;
  restarting_all_ = false;
  loop_->Cancel(restart_all_timer_);
  for (ContainerLife* c : all_) {
    c->CancelRestart();
    c->Terminate(grace_nanos, c->sidecar());
  }
  GiveTurns();
}

// Of those that go, the sidecars go after the others, the last first.
void Supervisor::GiveTurns() {
  if (!ending_) return;
  for (auto c = all_.rbegin(); c != all_.rend(); ++c) {
    if (!(*c)->sidecar() && (*c)->state() == State::kRunning) return;
  }
  for (auto c = init_.rbegin(); c != init_.rend(); ++c) {
    if ((*c)->state() != State::kRunning) continue;
    (*c)->GiveTurn();
    return;
  }
}

void Supervisor::CheckEnd() {
  if (over_ || beginning_) return;
  if (!ending_) {
    if (!status_.initialized || restarting_all_) return;
    bool all_ended = std::all_of(main_.begin(), main_.end(),
                                 [](const auto& life) { return life->state() == State::kEnded; });
    if (!all_ended) return;
    Finish(plan_.grace_seconds * Backoff::kSecond);  // its sidecars do not hold it up
  }
  for (const ContainerLife* c : all_) {
    if (c->state() == State::kRunning) return;
  }
  if (EndDebugs()) End();
}

}  // namespace kpod::pods
