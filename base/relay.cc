#include "base/relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

namespace kpod {

namespace {

constexpr size_t kPiece = 128 << 10;
constexpr int kRounds = 8;  // then others have their turn

// One for all relays of the process, which has one thread: only what could not be handed on at once
// is kept by its own.
char relayed[kPiece];

}  // namespace

void CloseWithReset(Fd socket) {
  linger at_once{1, 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

Relay::Relay(Loop* loop, Fd a, Fd b, std::function<void()> done)
    : loop_(loop),
      a_(std::move(a)),
      b_(std::move(b)),
      forth_{a_.get(), b_.get(), {}},
      back_{b_.get(), a_.get(), {}},
      done_(std::move(done)) {}

Relay::~Relay() {
  loop_->Forget(a_.get());
  loop_->Forget(b_.get());
}

Status Relay::Start() {
  for (int fd : {a_.get(), b_.get()}) TRY(loop_->OnReadable(fd, [this] { OnReady(); }));
  return OkStatus();
}

// Hands `bytes` on; how many were taken. Who takes no more may still have said something before:
// that direction is over, and the other goes on.
size_t Relay::Send(Direction* d, const char* bytes, size_t size) {
  ssize_t n = ::send(d->to, bytes, size, MSG_NOSIGNAL);
  if (n >= 0) return static_cast<size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return 0;
  d->ended = d->closed = broken_ = true;
  return size;
}

// False when the one who speaks is gone.
bool Relay::Pump(Direction* d) {
  for (int round = 0; round < kRounds && !d->closed; ++round) {
    if (!d->pending.empty()) {
      size_t n = Send(d, d->pending.data(), d->pending.size());
      d->pending.erase(0, n);
      if (n == 0) return true;
    } else {
      ssize_t n = ::recv(d->from, relayed, sizeof(relayed), 0);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n == 0) {
        // In the same round: nothing would wake this direction for another one. Fails where the
        // other has closed all by now, and then nothing is lost.
        (void)::shutdown(d->to, SHUT_WR);
        d->ended = d->closed = true;
        return true;
      }
      size_t sent = Send(d, relayed, static_cast<size_t>(n));
      d->pending.assign(relayed + sent, static_cast<size_t>(n) - sent);
    }
  }
  return true;
}

void Relay::Watch(int fd, const Direction& out, const Direction& in) {
  uint32_t events =
      (!out.ended && out.pending.empty() ? EPOLLIN : 0U) | (in.pending.empty() ? 0U : EPOLLOUT);
  // Asked for nothing, epoll would still tell of a hang-up, again and again.
  if (events == 0) return loop_->Forget(fd);
  (void)loop_->OnEvents(fd, events, [this] { OnReady(); });
}

void Relay::OnReady() {
  bool there = Pump(&forth_) && Pump(&back_);
  if (there && !(forth_.closed && back_.closed)) {
    Watch(a_.get(), forth_, back_);
    Watch(b_.get(), back_, forth_);
    return;
  }
  loop_->Forget(a_.get());
  loop_->Forget(b_.get());
  if (!there || broken_) {
    CloseWithReset(std::move(a_));
    CloseWithReset(std::move(b_));
  }
  auto done = std::move(done_);
  done();
}

}  // namespace kpod
