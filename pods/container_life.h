// One container over all its runs: hooks, probes, its way out, its restarts. The supervisor says
// when it starts, when it goes and whether it comes again; this class knows how.
// Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container.go (startContainer,
// killContainer) and pkg/kubelet/prober.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pods/attempt.h"
#include "pods/backoff.h"
#include "pods/container_run.h"
#include "pods/prober.h"

namespace kpod::pods {

class ContainerLife {
 public:
  // What it needs of the pod; outlives it.
  struct Owner {
    const store::Paths& paths;
    Loop* loop;
    const Sandbox* sandbox;
    const Plan* plan;
    std::function<void(const char* type, const char* reason, const std::string& container,
                       const std::string& message)>
        tell;
    // It started, became ready or not, its hook is through, its back-off is over.
    std::function<void()> changed;
    // A run has ended. The owner restarts it or leaves it.
    std::function<void(ContainerLife& life)> ended;
  };
  enum class State { kIdle, kRunning, kBackOff, kEnded };

  ContainerLife(const Owner& owner, bool init, size_t index);
  ContainerLife(const ContainerLife&) = delete;
  ContainerLife& operator=(const ContainerLife&) = delete;

  const ContainerPlan& plan() const;
  State state() const { return state_; }
  bool init() const { return init_; }
  bool sidecar() const { return init_ && plan().sidecar; }
  // Its postStart hook runs: what follows in the pod's order waits for it.
  bool in_post_start() const { return hook_ && !terminating_; }
  bool done() const;  // an init container that ended well
  ContainerRun& run() { return run_; }
  ContainerStatus& status() { return run_.status; }
  const ContainerStatus& status() const { return run_.status; }

  // A new run; returns when the program is exec'ed.
  Status Start(std::vector<std::string>* warnings);
  // A run, and when that fails another attempt after a while.
  void StartOrRetry();
  // It cannot start yet; shown as its state.
  void Wait(const std::string& reason, const std::string& message);
  // After its end: again at once, or after the back-off that is due.
  void RestartLater();
  // A new run at once, whatever its policy says: what it was given has changed.
  void Replace();
  bool TakeReplaced() { return std::exchange(replaced_, false); }
  // The container starts anew with the pod (RestartAllContainers); its runs stay counted.
  void Reset();
  void CancelRestart();
  int64_t TakeBackoff();  // nanoseconds that are due before its next start

  // preStop, then (with `in_turn` not before GiveTurn) the stop signal, then SIGKILL when `grace`
  // is over. Asked again, the earlier end counts. `grace_nanos` 0: SIGKILL.
  void Terminate(int64_t grace_nanos, bool in_turn);
  void GiveTurn();

 private:
  void OnExit();
  void OnStarted();
  void Up();  // the startup probe, if any, is through
  void BeginProbes();
  std::unique_ptr<Prober> MakeProber(const kube::Probe& probe, const char* kind,
                                     std::function<void(bool)> result);
  void FailProbe(const char* kind, const kube::Probe& probe);
  void Signal();
  void ForgetRun();  // probes, hooks and timers of a run
  AttemptContext Context(bool hook);

  const Owner& owner_;
  bool init_;
  size_t index_;
  ContainerRun run_;
  State state_ = State::kIdle;
  Backoff backoff_;
  Loop::TimerId restart_timer_ = 0, kill_timer_ = 0, turn_timer_ = 0;
  std::unique_ptr<Attempt> hook_;
  std::unique_ptr<Prober> startup_, readiness_, liveness_;
  int64_t started_at_ = 0, deadline_ = 0;  // monotonic nanoseconds
  bool ran_ = false, replaced_ = false, terminating_ = false, signalled_ = false,
       waits_for_turn_ = false;
};

}  // namespace kpod::pods
