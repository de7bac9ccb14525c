#include "pods/port_forward.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <list>
#include <memory>
#include <optional>

#include "base/files.h"
#include "base/loop.h"
#include "base/relay.h"
#include "base/text.h"
#include "network/namespace.h"

namespace kpod::pods {

namespace {

std::optional<uint16_t> NumberOf(const std::string& text, int64_t least) {
  auto n = ParseInt(text);
  if (!n || *n < least || *n > 65535) return std::nullopt;
  return static_cast<uint16_t>(*n);
}

std::optional<uint16_t> NamedPort(const Plan& plan, const std::string& name) {
  for (const ContainerPlan& c : plan.containers) {
    for (const PortPlan& p : c.ports) {
      if (!name.empty() && p.name == name) return static_cast<uint16_t>(p.container_port);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<ForwardedPort> ParseForward(const std::string& word, const Plan& plan) {
  size_t colon = word.find(':');
  std::string second = colon == std::string::npos ? word : word.substr(colon + 1);
  ForwardedPort out;
  if (!ParseInt(second)) {
    auto named = NamedPort(plan, second);
    if (!named)
      return Error(StrCat("pod ", plan.name, " does not have a named port ", Quote(second)));
    out.remote = *named;
  } else if (auto number = NumberOf(second, 1)) {
    out.remote = *number;
  } else {
    return Error(StrCat("error parsing remote port ", Quote(second), " of ", Quote(word),
                        ": wanted 1 to 65535"));
  }
  out.local = out.remote;
  if (colon == std::string::npos) return out;
  std::string first = word.substr(0, colon);
  auto local = first.empty() ? std::optional<uint16_t>(0) : NumberOf(first, 0);
  if (!local)
    return Error(StrCat("error parsing local port ", Quote(first), " of ", Quote(word),
                        ": wanted 0 to 65535"));
  out.local = *local;
  return out;
}

Result<std::vector<std::string>> ParseAddresses(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& list : words) {
    for (const std::string& address : Split(list, ',')) {
      in6_addr any;
      bool good = address == "localhost" || ::inet_pton(AF_INET, address.c_str(), &any) == 1 ||
                  ::inet_pton(AF_INET6, address.c_str(), &any) == 1;
      if (!good) return Error(StrCat(Quote(address), " is not a valid IP"));
      out.push_back(address);
    }
  }
  return out;
}

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_INET;
};

Address AddressOf(const std::string& text, uint16_t port) {
  Address a;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&a.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&a.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    a.size = sizeof(*v4);
  } else {
    ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    a.size = sizeof(*v6);
    a.family = AF_INET6;
  }
  return a;
}

std::string Shown(const std::string& address, uint16_t port) {
  return Contains(address, ":") ? StrCat("[", address, "]:", port) : StrCat(address, ":", port);
}

struct Listener {
  Fd fd;
  uint16_t local = 0, remote = 0;
};

Result<Listener> Listen(const std::string& address, ForwardedPort port) {
  Address a = AddressOf(address, port.local);
  Fd fd(::socket(a.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::Errno("socket");
  int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (a.family == AF_INET6) {
    (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  auto* raw = reinterpret_cast<sockaddr*>(&a.storage);
  if (::bind(fd.get(), raw, a.size) < 0 || ::listen(fd.get(), SOMAXCONN) < 0)
    return Error::Errno("listen on " + Shown(address, port.local));
  if (::getsockname(fd.get(), raw, &a.size) < 0) return Error::Errno("getsockname");
  // The port stands at the same place in both kinds of address.
  uint16_t bound = ntohs(reinterpret_cast<sockaddr_in*>(&a.storage)->sin_port);
  return Listener{std::move(fd), bound, port.remote};
}

// The pod's supervisor and the network that it stands in.
struct PodNetwork {
  Fd supervisor;  // a pidfd
  Fd netns;
};

Result<PodNetwork> OpenNetwork(const PodRecord& pod) {
  bool runs = pod.alive && pod.status.phase == "Running";
  if (!runs) {
    return Error(StrCat("unable to forward port because pod is not running. Current status=",
                        pod.alive ? pod.status.phase : pod.StatusWord()),
                 1);
  }
  PodNetwork out;
  pid_t pid = pod.status.supervisor_pid;
  out.supervisor = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!out.supervisor) return Error::Errno("the pod's supervisor");
  // Whether this number still is the supervisor's.
  std::string name = TRY(ReadFile(StrCat("/proc/", pid, "/comm"), 64));
  if (Trim(name) != "kpod-supervisor") return Error("the pod's supervisor is gone");
  out.netns = TRY(Open(StrCat("/proc/", pid, "/ns/net"), O_RDONLY));
  if (::syscall(SYS_pidfd_send_signal, out.supervisor.get(), 0, nullptr, 0) < 0)
    return Error::Errno("the pod's supervisor");
  return out;
}

class Forwarder {
 public:
  Forwarder(Loop* loop, const ForwardRequest& request, PodNetwork network)
      : loop_(loop), request_(request), network_(std::move(network)) {}
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  ~Forwarder() {
    for (const Listener& l : listeners_) loop_->Forget(l.fd.get());
    for (const Connection& c : connections_) {
      if (c.server) loop_->Forget(c.server.get());
    }
  }

  Status Open() {
    for (ForwardedPort port : request_.ports) {
      for (const std::string& address : request_.addresses) TRY(OpenPort(address, &port));
    }
    for (const Listener& l : listeners_) {
      TRY(loop_->OnReadable(l.fd.get(), [this, &l] { Accept(l); }));
    }
    return OkStatus();
  }

 private:
  struct Connection {
    Fd client, server;
    uint16_t local = 0, remote = 0;
    bool v6 = false;
    std::unique_ptr<Relay> relay;
  };
  using Handle = std::list<Connection>::iterator;

  // The port that was chosen is the same on all addresses.
  Status OpenPort(const std::string& address, ForwardedPort* port) {
    std::vector<std::string> names = {address};
    if (address == "localhost") names = {"127.0.0.1", "::1"};
    bool any = false;
    for (const std::string& name : names) {
      Result<Listener> l = Listen(name, *port);
      if (!l) {
        // Of localhost one is enough: a machine may have no IPv6.
        bool no_v6 = name == "::1" && any;
        if (!no_v6) return std::move(l.error()).WithExit(1);
        continue;
      }
      any = true;
      port->local = l->local;
      request_.say(StrCat("Forwarding from ", Shown(name, l->local), " -> ", port->remote));
      listeners_.push_back(std::move(*l));
    }
    return OkStatus();
  }

  void Accept(const Listener& l) {
    Fd client(::accept4(l.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
      bool full = errno == EMFILE || errno == ENFILE;
      if (full) Pause(l);
      return;
    }
    request_.say(StrCat("Handling connection for ", l.local));
    connections_.push_back({std::move(client), Fd(), l.local, l.remote, false, nullptr});
    Connect(std::prev(connections_.end()));
  }

  // Until some connection has ended: the socket would be ready all the time.
  void Pause(const Listener& l) {
    constexpr int64_t kWhile = 100'000'000;
    loop_->Forget(l.fd.get());
    loop_->After(kWhile,
                 [this, &l] { (void)loop_->OnReadable(l.fd.get(), [this, &l] { Accept(l); }); });
  }

  void Connect(Handle c) {
    Address to = AddressOf(c->v6 ? "::1" : "127.0.0.1", c->remote);
    Result<Fd> fd =
        network::SocketIn(network_.netns.get(), to.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (!fd) return Fail(c, fd.error().message());
    c->server = std::move(*fd);
    if (::connect(c->server.get(), reinterpret_cast<sockaddr*>(&to.storage), to.size) == 0)
      return Join(c);
    if (errno != EINPROGRESS) return OnRefused(c, errno);
    Status watched = loop_->OnEvents(c->server.get(), EPOLLOUT, [this, c] {
      int code = 0;
      socklen_t size = sizeof(code);
      (void)::getsockopt(c->server.get(), SOL_SOCKET, SO_ERROR, &code, &size);
      loop_->Forget(c->server.get());
      code == 0 ? Join(c) : OnRefused(c, code);
    });
    if (!watched) Fail(c, watched.error().message());
  }

  void OnRefused(Handle c, int code) {
    std::string place = Shown(c->v6 ? "::1" : "127.0.0.1", c->remote);
    if (!c->v6 && code == ECONNREFUSED) {
      refused_ = StrCat("connect to ", place, ": ", std::strerror(code));
      c->v6 = true;
      return Connect(c);
    }
    Fail(c, c->v6 ? refused_ : StrCat("connect to ", place, ": ", std::strerror(code)));
  }

  void Fail(Handle c, const std::string& why) {
    request_.complain(
        StrCat("an error occurred forwarding ", c->local, " -> ", c->remote, ": ", why));
    CloseWithReset(std::move(c->client));
    connections_.erase(c);
  }

  void Join(Handle c) {
    int on = 1;
    for (const Fd* fd : {&c->client, &c->server})
      (void)::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->relay = std::make_unique<Relay>(loop_, std::move(c->client), std::move(c->server),
                                       [this, c] { connections_.erase(c); });
    Status started = c->relay->Start();
    if (!started) Fail(c, started.error().message());
  }

  Loop* loop_;
  const ForwardRequest& request_;
  PodNetwork network_;
  std::list<Listener> listeners_;
  std::list<Connection> connections_;
  std::string refused_;
};

}  // namespace

Status Forward(const PodRecord& pod, const ForwardRequest& request) {
  PodNetwork network = TRY(OpenNetwork(pod));
  Fd supervisor = TRY(Dup(network.supervisor.get()));
  Loop loop = TRY(Loop::Create());
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return Error::Errno("signalfd");
  bool lost = false;
  TRY(loop.OnReadable(signals.get(), [&] { loop.Stop(); }));
  TRY(loop.OnReadable(supervisor.get(), [&] {
    lost = true;
    loop.Stop();
  }));
  Forwarder forwarder(&loop, request, std::move(network));
  TRY(forwarder.Open());
  TRY(loop.Run());
  if (lost) return Error("lost connection to pod", 1);
  return OkStatus();
}

}  // namespace kpod::pods
