#include "base/loop.h"

#include <sys/epoll.h>

#include <algorithm>

#include "base/clock.h"

namespace kpod {

Result<Loop> Loop::Create() {
  int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return Error::Errno("epoll_create1");
  return Loop(Fd(fd));
}

Status Loop::OnReadable(int fd, Callback callback) {
  return OnEvents(fd, EPOLLIN, std::move(callback));
}

Status Loop::OnEvents(int fd, uint32_t events, Callback callback) {
  uint32_t number = next_watch_++;
  epoll_event ev{};
  ev.events = events;
  ev.data.u64 = static_cast<uint64_t>(number) << 32 | static_cast<uint32_t>(fd);
  int op = fds_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(epoll_.get(), op, fd, &ev) < 0) return Error::Errno("epoll_ctl");
  fds_[fd] = {number, std::make_shared<Callback>(std::move(callback))};
  return OkStatus();
}

void Loop::Forget(int fd) {
  if (fds_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::At(int64_t monotonic_nanos, Callback callback) {
  TimerId id = next_timer_++;
  due_[id] = monotonic_nanos;
  timers_.emplace(std::pair(monotonic_nanos, id), std::move(callback));
  return id;
}

Loop::TimerId Loop::After(int64_t nanos, Callback callback) {
  return At(MonotonicNanos() + nanos, std::move(callback));
}

void Loop::Cancel(TimerId id) {
  auto it = due_.find(id);
  if (it == due_.end()) return;
  timers_.erase({it->second, id});
  due_.erase(it);
}

Status Loop::Step(int64_t max_wait_nanos) {
  int64_t wait = max_wait_nanos;
  if (!timers_.empty()) {
    int64_t until = std::max<int64_t>(0, timers_.begin()->first.first - MonotonicNanos());
    wait = wait < 0 ? until : std::min(wait, until);
  }
  // Rounded up: waking early would spin until the timer is due.
  int millis =
      wait < 0 ? -1 : static_cast<int>(std::min<int64_t>((wait + 999'999) / 1'000'000, 1 << 30));
  epoll_event events[32];
  int n = ::epoll_wait(epoll_.get(), events, 32, millis);
  if (n < 0 && errno != EINTR) return Error::Errno("epoll_wait");
  for (int i = 0; i < n; ++i) {
    auto it = fds_.find(static_cast<int>(events[i].data.u64 & UINT32_MAX));
    // Forgotten, or watched anew, by an earlier callback of this round.
    if (it == fds_.end() || it->second.number != events[i].data.u64 >> 32) continue;
    std::shared_ptr<Callback> callback = it->second.callback;
    (*callback)();
  }
  int64_t now = MonotonicNanos();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    due_.erase(node.key().second);
    node.mapped()();
  }
  return OkStatus();
}

Status Loop::Run() {
  running_ = true;
  while (running_) TRY(Step());
  return OkStatus();
}

}  // namespace kpod
