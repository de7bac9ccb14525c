#include "pods/endpoints_notifier.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "pods/services.h"

namespace kpod::pods {

namespace {

Result<Child> StartSync(const store::Paths& paths, const std::string& ns, const Sandbox& sandbox) {
  int64_t event = MonotonicNanos();
  return Fork([&] {
    if (!LeavePod(sandbox)) return kExitFailure;
    return SyncServices(paths, ns, event).ok() ? kExitOk : kExitFailure;
  });
}

void Kill(const Child& child) {
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
  (void)WaitFor(child);
}

}  // namespace

EndpointsNotifier::EndpointsNotifier(store::Paths paths, std::string ns, Loop* loop,
                                     const Sandbox* sandbox)
    : paths_(std::move(paths)), ns_(std::move(ns)), loop_(loop), sandbox_(sandbox) {}

EndpointsNotifier::~EndpointsNotifier() {
  loop_->Cancel(limit_);
  if (!child_.pidfd) return;
  loop_->Forget(child_.pidfd.get());
  Kill(child_);
}

// A look at a directory, so that pods without Services cost nothing. Removed ones leave a table
// behind until it is brought up to date.
bool EndpointsNotifier::HasServices() const {
  return !ListDir(paths_.Objects() + "/" + ns_ + "/Service").value_or({}).empty();
}

void EndpointsNotifier::Notify(std::function<void()> then) {
  if (!HasServices()) {
    if (then) then();
    return;
  }
  if (then) next_.push_back(std::move(then));
  if (child_.pidfd) {
    again_ = true;  // it may have read the status before this event
    return;
  }
  Start();
}

void EndpointsNotifier::Start() {
  again_ = false;
  now_ = std::move(next_);
  next_.clear();
  Result<Child> child = StartSync(paths_, ns_, *sandbox_);
  if (!child) return CallAll(std::exchange(now_, {}));
  child_ = std::move(*child);
  limit_ = loop_->After(kLongest, [this] {
    limit_ = 0;
    if (child_.pidfd) ::syscall(SYS_pidfd_send_signal, child_.pidfd.get(), SIGKILL, nullptr, 0);
  });
  (void)loop_->OnReadable(child_.pidfd.get(), [this] { OnDone(); });
}

void EndpointsNotifier::OnDone() {
  loop_->Forget(child_.pidfd.get());
  (void)WaitFor(child_);
  child_ = Child{};
  loop_->Cancel(limit_);
  limit_ = 0;
  std::vector<std::function<void()>> done = std::move(now_);
  now_.clear();
  if (again_) Start();
  CallAll(done);
}

void EndpointsNotifier::CallAll(const std::vector<std::function<void()>>& callbacks) {
  for (const auto& callback : callbacks) callback();
}

void EndpointsNotifier::Finish() {
  if (child_.pidfd) {
    loop_->Forget(child_.pidfd.get());
    Kill(child_);  // what it saw is old
    child_ = Child{};
  }
  if (!HasServices()) return;
  Result<Child> child = StartSync(paths_, ns_, *sandbox_);
  if (!child) return;
  pollfd ended{child->pidfd.get(), POLLIN, 0};
  (void)::poll(&ended, 1, static_cast<int>(kLongest / 1'000'000));
  Kill(*child);
}

}  // namespace kpod::pods
