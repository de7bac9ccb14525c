// One thread, one epoll: descriptors and timers. The supervisor is built on it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod {

class Loop {
 public:
  using Callback = std::function<void()>;
  using TimerId = uint64_t;  // 0 is never a timer

  static Result<Loop> Create();

  // Level-triggered. The loop does not own the descriptor; Forget it before closing it.
  Status OnReadable(int fd, Callback callback);
  Status OnEvents(int fd, uint32_t epoll_events, Callback callback);
  void Forget(int fd);

  TimerId At(int64_t monotonic_nanos, Callback callback);
  TimerId After(int64_t nanos, Callback callback);
  void Cancel(TimerId id);

  // Until Stop(). Callbacks may add and remove descriptors and timers.
  Status Run();
  void Stop() { running_ = false; }
  // One round: waits at most until the next timer or `max_wait_nanos` (-1: no limit).
  Status Step(int64_t max_wait_nanos = -1);

 private:
  explicit Loop(Fd epoll) : epoll_(std::move(epoll)) {}
  // An event carries the number of its watch, so that one of a descriptor that was closed in the
  // same round is not taken for one of its number's next owner.
  struct Watch {
    uint32_t number = 0;
    std::shared_ptr<Callback> callback;
  };
  Fd epoll_;
  bool running_ = false;
  TimerId next_timer_ = 1;
  uint32_t next_watch_ = 0;
  std::unordered_map<int, Watch> fds_;
  std::map<std::pair<int64_t, TimerId>, Callback> timers_;
  std::unordered_map<TimerId, int64_t> due_;
};

}  // namespace kpod
