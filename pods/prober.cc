#include "pods/prober.h"

#include <algorithm>

#include "base/clock.h"

namespace kpod::pods {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kMostErrors = 3;  // an attempt without an answer is made again at once, so often

}  // namespace

bool ProbeTally::Add(bool success) {
  row_ = success == last_ ? row_ + 1 : 1;
  last_ = success;
  return row_ >= (success ? success_threshold_ : failure_threshold_);
}

Prober::Prober(const AttemptContext& context, const kube::Probe& probe, Callbacks callbacks)
    : context_(context),
      probe_(probe),
      callbacks_(std::make_shared<Callbacks>(std::move(callbacks))),
      tally_(probe.success_threshold, probe.failure_threshold),
      due_(MonotonicNanos() + probe.initial_delay * kSecond) {
  timer_ = context_.loop->At(due_, [this] { Begin(); });
}

Prober::~Prober() {
  *alive_ = false;
  context_.loop->Cancel(timer_);
}

void Prober::Begin() {
  timer_ = 0;
  attempt_ = StartAttempt(context_, probe_.handler, probe_.timeout * kSecond,
                          [this](const AttemptResult& result) { OnDone(result); });
}

void Prober::OnDone(const AttemptResult& result) {
  std::unique_ptr<Attempt> over = std::move(attempt_);
  if (result.errored && ++errors_ < kMostErrors) return Begin();
  errors_ = 0;
  std::shared_ptr<bool> alive = alive_;
  std::shared_ptr<const Callbacks> callbacks = callbacks_;
  auto tell = [&](const std::function<void(const std::string&)>& callback) {
    if (callback) callback(result.message);
    return *alive;
  };
  if (result.errored) {
    if (tell(callbacks->errored_attempt)) ArmNext();
    return;
  }
  if (result.warning && !tell(callbacks->warned_attempt)) return;
  if (!result.success && !tell(callbacks->failed_attempt)) return;
  if (tally_.Add(result.success) && callbacks->result) {
    callbacks->result(result.success, result.message);
    if (!*alive) return;
  }
  ArmNext();
}

// As a ticker of Go's: its ticks keep their phase, and one that is missed comes at once.
void Prober::ArmNext() {
  int64_t period = std::max(probe_.period, 1) * kSecond;
  int64_t now = MonotonicNanos();
  due_ += period;
  if (due_ < now) due_ += (now - due_) / period * period;
  timer_ = context_.loop->At(due_, [this] { Begin(); });
}

}  // namespace kpod::pods
