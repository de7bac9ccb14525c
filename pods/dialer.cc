#include "pods/dialer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/text.h"
#include "network/namespace.h"

namespace kpod::pods {

namespace {

bool IsAddress(const std::string& host) {
  in6_addr any;
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

}  // namespace

std::string JoinHostPort(const std::string& host, int port) {
  return Contains(host, ":") ? StrCat("[", host, "]:", port) : StrCat(host, ":", port);
}

void SendAtOnce(int socket) {
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::string ErrnoText(int code) {
  std::string text = std::strerror(code);
  if (!text.empty()) text[0] = ToLower(text.substr(0, 1))[0];
  return text;
}

namespace {

std::string AddressText(const sockaddr_storage& a) {
  char text[INET6_ADDRSTRLEN] = "";
  if (a.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(a);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return JoinHostPort(text, ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(a);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return JoinHostPort(text, ntohs(v6.sin6_port));
}

}  // namespace

std::string EndsOf(int socket) {
  sockaddr_storage here{}, there{};
  socklen_t size = sizeof(here);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size);
  size = sizeof(there);
  // A connection that broke has no peer any more.
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &size) < 0)
    return AddressText(here);
  return StrCat(AddressText(here), "->", AddressText(there));
}

Dialer::Dialer(Loop* loop, std::string host, int port, int netns_fd)
    : loop_(loop), host_(std::move(host)), port_(port), netns_fd_(netns_fd) {}

Dialer::~Dialer() { Close(); }

void Dialer::Start(std::function<void(Result<Fd>)> done) {
  done_ = std::move(done);
  if (IsAddress(host_)) return OnAddresses(std::vector<std::string>{host_});
  network::Lookup::Options options;
  options.netns_fd = netns_fd_;
  lookup_ = std::make_unique<network::Lookup>(loop_, options);
  lookup_->Start(host_, [this](Result<std::vector<std::string>> addresses) {
    OnAddresses(std::move(addresses));
  });
}

std::string Dialer::Describe() const {
  if (next_ == 0) return StrCat("dial tcp: lookup ", host_);
  return StrCat("dial tcp ", JoinHostPort(addresses_[next_ - 1], port_));
}

void Dialer::OnAddresses(Result<std::vector<std::string>> addresses) {
  if (!addresses) return Failed(std::move(addresses.error()).Wrap("dial tcp"));
  addresses_ = std::move(*addresses);
  TryNext();
}

void Dialer::TryNext() {
  while (next_ < addresses_.size()) {
    Result<bool> connected = Connect(addresses_[next_++]);
    if (connected && !*connected) return;  // OnWritable goes on
    if (connected) {
      auto done = std::move(done_);
      return done(std::move(socket_));
    }
    if (!first_error_) first_error_ = std::move(connected.error());
    Close();
  }
  Failed(first_error_ ? std::move(*first_error_)
                      : Error(StrCat("dial tcp: lookup ", host_, ": no such host")));
}

Result<bool> Dialer::Connect(const std::string& address) {
  sockaddr_storage to{};
  socklen_t size = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&to);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&to);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port_));
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port_));
    size = sizeof(sockaddr_in6);
  } else {
    return Error(StrCat("dial tcp: ", Quote(address), " is not an address"));
  }
  Result<Fd> socket = network::SocketIn(netns_fd_, to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (!socket) return std::move(socket.error()).Wrap(Describe());
  socket_ = std::move(*socket);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), size) == 0) return true;
  if (errno != EINPROGRESS)
    return Error(StrCat(Describe(), ": connect: ", ErrnoText(errno))).WithCode(errno);
  TRY(loop_->OnEvents(socket_.get(), EPOLLOUT, [this] { OnWritable(); }));
  return false;
}

void Dialer::OnWritable() {
  int code = 0;
  socklen_t size = sizeof(code);
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
  loop_->Forget(socket_.get());
  if (code == 0) {
    auto done = std::move(done_);
    return done(std::move(socket_));
  }
  if (!first_error_) first_error_ = Error(StrCat(Describe(), ": connect: ", ErrnoText(code)));
  Close();
  TryNext();
}

void Dialer::Failed(Error error) {
  auto done = std::move(done_);
  done(std::move(error));
}

void Dialer::Close() {
  if (!socket_) return;
  loop_->Forget(socket_.get());
  socket_.Reset();
}

}  // namespace kpod::pods
