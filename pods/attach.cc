#include "pods/attach.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace kpod::pods {

namespace {

// What a command may be behind, beside what its pipe holds.
constexpr size_t kMostPending = 1 << 20;

void Say(const Fd& connection, const Json& words, const std::vector<int>& fds = {}) {
  (void)SendWithFds(connection.get(), Dump(words), fds);
}

}  // namespace

Attachments::~Attachments() {
  while (!clients_.empty()) Forget(clients_.begin());
  for (Sink& s : flushing_) loop_->Forget(s.fd.get());
}

void Attachments::Add(Fd connection, std::vector<Fd> pipes, bool wants_input) {
  Client& c = clients_.emplace_back();
  c.connection = std::move(connection);
  c.wants_input = wants_input;
  for (size_t i = 0; i < pipes.size() && i < 2; ++i) {
    ::fcntl(pipes[i].get(), F_SETFL, O_NONBLOCK);
    c.sinks[i].fd = std::move(pipes[i]);
  }
  Handle handle = std::prev(clients_.end());
  (void)loop_->OnReadable(c.connection.get(), [this, handle] { OnMessage(handle); });
  if (running_) Welcome(&c);
}

void Attachments::Welcome(Client* c) {
  int input = c->wants_input && input_.fd ? input_.fd() : -1;
  c->has_input = input >= 0;
  std::vector<int> fds;
  if (c->has_input) fds.push_back(input);
  Say(c->connection, {{"ok", true}, {"tty", input_.tty}, {"stdin", c->has_input}}, fds);
}

void Attachments::Begin(Input input) {
  running_ = true;
  input_ = std::move(input);
  for (Client& c : clients_) Welcome(&c);
}

void Attachments::OnMessage(Handle c) {
  Result<Message> m = ReceiveWithFds(c->connection.get(), 4096);
  if (!m && m.error().code() == EAGAIN) return;
  if (!m || m->bytes.empty()) {
    InputEnded(&*c);
    return Forget(c);
  }
  Result<Json> words = ParseJson(m->bytes, "request");
  if (words && StringAt(*words, "op") == "stdin-end") InputEnded(&*c);
}

void Attachments::InputEnded(Client* c) {
  if (!std::exchange(c->has_input, false) || !input_.finish) return;
  // Whoever comes later finds it closed, until the container is restarted.
  auto finish = std::exchange(input_, Input{nullptr, input_.tty, nullptr}).finish;
  finish();
}

// False when the reader is gone.
bool Attachments::Flush(Sink* s) {
  while (!s->pending.empty()) {
    ssize_t n = ::write(s->fd.get(), s->pending.data(), s->pending.size());
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    s->pending.erase(0, static_cast<size_t>(n));
  }
  return true;
}

// Until nothing is pending; `gone` is told when nobody reads any more.
void Attachments::Watch(Sink* s, std::function<void()> gone) {
  (void)loop_->OnEvents(s->fd.get(), EPOLLOUT, [this, s, gone = std::move(gone)] {
    bool there = Flush(s);
    if (there && !s->pending.empty()) return;
    loop_->Forget(s->fd.get());
    if (!there) s->fd.Reset();
    if (gone) gone();
  });
}

// False when it is too far behind.
bool Attachments::Write(Sink* s, std::string_view bytes) {
  if (!s->fd) return true;
  bool waited = !s->pending.empty();
  if (!waited) {
    ssize_t n = ::write(s->fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      s->fd.Reset();  // it does not want this stream any more
      return true;
    }
    bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  if (bytes.empty()) return true;
  if (s->pending.size() + bytes.size() > kMostPending) return false;
  s->pending += bytes;
  if (!waited) Watch(s, nullptr);
  return true;
}

void Attachments::Output(bool is_stderr, std::string_view bytes) {
  for (Handle next = clients_.begin(); next != clients_.end();) {
    Handle c = next++;
    if (Write(&c->sinks[is_stderr ? 1 : 0], bytes)) continue;
    Say(c->connection, {{"dropped", true}});
    InputEnded(&*c);
    Forget(c);
  }
}

void Attachments::End(int exit_code) {
  running_ = false;
  input_ = Input{};
  while (!clients_.empty()) {
    Handle c = clients_.begin();
    Say(c->connection, {{"ended", true}, {"exit", exit_code}});
    for (Sink& s : c->sinks) {
      if (!s.fd || s.pending.empty()) continue;
      loop_->Forget(s.fd.get());
      flushing_.push_back(std::move(s));
      auto at = std::prev(flushing_.end());
      Watch(&*at, [this, at] { flushing_.erase(at); });
    }
    Forget(c);
  }
}

void Attachments::Fail(const std::string& message) {
  while (!clients_.empty()) {
    Say(clients_.front().connection, {{"error", message}});
    Forget(clients_.begin());
  }
}

void Attachments::Forget(Handle c) {
  loop_->Forget(c->connection.get());
  for (Sink& s : c->sinks) {
    if (s.fd) loop_->Forget(s.fd.get());
  }
  clients_.erase(c);
}

}  // namespace kpod::pods
