// How a supervisor tells the Services of its namespace that its pod became ready, is no longer, or
// ends. The work is done by a child in the host's namespaces, so that the loop goes on; events that
// come meanwhile are one more run, however many they are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/spawn.h"
#include "pods/sandbox.h"
#include "store/paths.h"

namespace kpod::pods {

class EndpointsNotifier {
 public:
  EndpointsNotifier(store::Paths paths, std::string ns, Loop* loop, const Sandbox* sandbox);
  EndpointsNotifier(const EndpointsNotifier&) = delete;
  ~EndpointsNotifier();

  // After status.json says what has changed. `then` is called by the loop (or at once, where there
  // are no Services) when new connections follow it: before a container is asked to end. It is
  // called whatever comes of the work, within kLongest.
  void Notify(std::function<void()> then = {});
  // The same, waited for: the pod has ended and the loop with it.
  void Finish();

  static constexpr int64_t kLongest = 2'000'000'000;  // nanoseconds

 private:
  bool HasServices() const;
  void Start();
  void OnDone();
  void CallAll(const std::vector<std::function<void()>>& callbacks);

  store::Paths paths_;
  std::string ns_;
  Loop* loop_;
  const Sandbox* sandbox_;
  Child child_;
  Loop::TimerId limit_ = 0;
  bool again_ = false;  // an event came after the child had begun to look
  std::vector<std::function<void()>> now_, next_;
};

}  // namespace kpod::pods
