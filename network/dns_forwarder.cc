#include "network/dns_forwarder.h"

#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "network/namespace.h"
#include "network/resolvers.h"

namespace kpod::network {

namespace {

constexpr int64_t kTry = 2'000'000'000;  // for one server
constexpr size_t kMostWaiting = 256;     // questions under way; more are not answered

uint16_t RandomId() {
  uint16_t id = 0;
  if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(MonotonicNanos());
  return id;
}

void Watch(int epoll, int fd, uint32_t events) {
  epoll_event e{};
  e.events = events;
  e.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0 && errno == EEXIST)
    ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e);
}

}  // namespace

std::string Framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8),
                     static_cast<char>(message.size() & 0xff)} +
         message;
}

std::optional<std::string> Unframe(std::string* buffer) {
  if (buffer->size() < 2) return std::nullopt;
  size_t size = static_cast<size_t>(static_cast<unsigned char>((*buffer)[0])) << 8 |
                static_cast<unsigned char>((*buffer)[1]);
  if (buffer->size() < size + 2) return std::nullopt;
  std::string message = buffer->substr(2, size);
  buffer->erase(0, size + 2);
  return message;
}

void DnsForwarder::Ask(std::string query, Question question, bool stream, Done done) {
  if (std::optional<std::string> known = cache_.Find(query, MonotonicNanos())) return done(*known);
  Waiting w;
  w.query = std::move(query);
  w.question = std::move(question);
  w.stream = stream;
  w.done = std::move(done);
  Send(std::move(w));
}

// To the next server that can be sent to.
void DnsForwarder::Send(Waiting w) {
  std::vector<Resolver> servers =
      ParseResolvers(ReadFile(resolv_conf_, 1 << 16).value_or(std::string()));
  for (; w.tried < servers.size() && waiting_.size() < kMostWaiting; ++w.tried) {
    // The one that answered last comes first: a dead one costs its time once.
    w.server = (preferred_ + w.tried) % servers.size();
    const Resolver& server = servers[w.server];
    Result<Fd> fd = SocketIn(host_.get(), server.address.ss_family,
                             (w.stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
    if (!fd) continue;
    // Connected: the kernel drops what another address sends.
    bool connected =
        ::connect(fd->get(), reinterpret_cast<const sockaddr*>(&server.address), server.size) == 0;
    if (!connected && !(w.stream && errno == EINPROGRESS)) continue;
    w.id = RandomId();
    w.in.clear();
    w.connecting = w.stream;
    if (!w.stream) {
      std::string packet = WithId(w.query, w.id);
      if (::send(fd->get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) continue;
    }
    w.deadline = MonotonicNanos() + kTry;
    int number = fd->get();
    Watch(epoll_, number, w.stream ? EPOLLOUT : EPOLLIN);
    w.socket = std::move(*fd);
    waiting_.insert_or_assign(number, std::move(w));
    return;
  }
  w.done("");
}

void DnsForwarder::NextServer(int fd) {
  Waiting next = std::move(waiting_.extract(fd).mapped());
  next.socket.Reset();  // a closed descriptor leaves the epoll by itself: nobody else has it
  ++next.tried;
  Send(std::move(next));
}

bool DnsForwarder::OnReady(int fd) {
  auto w = waiting_.find(fd);
  if (w == waiting_.end()) return false;
  OnSocket(w->second);
  return true;
}

void DnsForwarder::OnSocket(Waiting& w) {
  int fd = w.socket.get();
  if (w.connecting) {
    std::string framed = Framed(WithId(w.query, w.id));
    if (::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
      return NextServer(fd);
    w.connecting = false;
    return Watch(epoll_, fd, EPOLLIN);
  }
  static char buf[65536];  // one thread
  ssize_t n = ::recv(fd, buf, sizeof(buf), 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0 || (n == 0 && w.stream)) return NextServer(fd);  // refused
  std::string response(buf, static_cast<size_t>(n));
  if (w.stream) {
    w.in += response;
    std::optional<std::string> whole = Unframe(&w.in);
    if (!whole) return;
    response = std::move(*whole);
  }
  if (!Answers(response, w.id, w.question)) return;
  Waiting done = std::move(waiting_.extract(fd).mapped());
  preferred_ = done.server;
  cache_.Keep(done.query, response, MonotonicNanos());
  done.done(WithId(response, done.question.id));
}

int64_t DnsForwarder::NextDeadlineNanos() const {
  int64_t next = -1;
  for (const auto& [fd, w] : waiting_) next = next < 0 ? w.deadline : std::min(next, w.deadline);
  return next;
}

void DnsForwarder::OnDeadline() {
  int64_t now = MonotonicNanos();
  std::vector<int> late;
  for (const auto& [fd, w] : waiting_) {
    if (w.deadline <= now) late.push_back(fd);
  }
  for (int fd : late) NextServer(fd);
}

}  // namespace kpod::network
