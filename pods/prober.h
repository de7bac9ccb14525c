// Asks one probe of one run of a container again and again and tells when its answer changes.
// Source: k8s.io/kubernetes/pkg/kubelet/prober/worker.go.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/loop.h"
#include "kube/types.h"
#include "pods/attempt.h"

namespace kpod::pods {

// What counts of a row of attempts: the thresholds. Pure.
class ProbeTally {
 public:
  ProbeTally(int success_threshold, int failure_threshold)
      : success_threshold_(success_threshold), failure_threshold_(failure_threshold) {}
  // True when the row of equal answers has reached its threshold, so that the answer holds.
  bool Add(bool success);

 private:
  int success_threshold_, failure_threshold_;
  bool last_ = false;
  int row_ = 0;
};

class Prober {
 public:
  // Each may be empty, and each may destroy the prober.
  struct Callbacks {
    // The answer holds from now on (thresholds are met); called for each attempt that confirms it,
    // too.
    std::function<void(bool success, const std::string& message)> result;
    // Each attempt that failed (the event "Unhealthy"); called before `result`.
    std::function<void(const std::string& message)> failed_attempt;
    // An attempt that gave no answer and counts neither way: the event "Unhealthy", "Liveness probe
    // errored and resulted in unknown state: ...".
    std::function<void(const std::string& message)> errored_attempt;
    // A success with something to tell: the event "ProbeWarning", "Liveness probe warning: ...".
    // Called before `result`.
    std::function<void(const std::string& message)> warned_attempt;
  };
  // The first attempt begins initialDelaySeconds after now, spread by nothing: one machine has no
  // herd of nodes. Attempts do not overlap: the next begins when its period is up, or at once after
  // one that took longer.
  Prober(const AttemptContext& context, const kube::Probe& probe, Callbacks callbacks);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

 private:
  void Begin();
  void OnDone(const AttemptResult& result);
  void ArmNext();

  AttemptContext context_;
  kube::Probe probe_;
  std::shared_ptr<const Callbacks> callbacks_;  // shared with the call that destroys the prober
  ProbeTally tally_;
  int64_t due_ = 0;  // when the attempt was to begin
  int errors_ = 0;   // in this turn
  Loop::TimerId timer_ = 0;
  std::unique_ptr<Attempt> attempt_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kpod::pods
