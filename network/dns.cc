// The pod's DNS responder: answers cluster.local from the state files, forwards the rest from the
// host's namespace.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/dns_forwarder.h"
#include "network/dns_packet.h"
#include "network/namespace.h"
#include "network/network.h"
#include "network/node.h"
#include "network/state.h"

namespace kpod::network {

namespace {

constexpr size_t kMostStreams = 16;  // TCP clients
constexpr size_t kMostQuery = 4096;  // bytes; a question is never near it
constexpr int64_t kStreamLife = 10'000'000'000;
constexpr int64_t kCoarse = 20'000'000;  // file times of the kernel stand still for a tick or two

// Stamps of a directory that was never looked at, and of one that is not there.
constexpr int64_t kUnseen = -2, kNothing = -1;

struct Client {
  uint64_t stream = 0;  // a TCP client's number, or 0
  sockaddr_in from{};
};

struct Stream {
  Fd fd;
  uint64_t number = 0;
  std::string in;
  int64_t deadline = 0;
};

class Server : public DnsServer {
 public:
  Server(Options options, Ipv4 listen) : options_(std::move(options)), listen_(listen) {}

  Status Open() {
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return Error::Errno("DNS: epoll");
    forwarder_ = std::make_unique<DnsForwarder>(TRY(Dup(options_.host_netns_fd)), epoll_.get(),
                                                options_.upstream_resolv_conf);
    std::string device;
    Fd node;
    if (!options_.on_host) {
      auto ip = ParseIpv4(options_.pod_ip);
      if (!ip) return Error("DNS: not an address: " + options_.pod_ip);
      device = VethFor(*ip);
      node = TRY(OpenNode(options_.paths));
    }
    int where = options_.on_host ? options_.host_netns_fd : node.get();
    udp_ = TRY(SocketIn(where, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    tcp_ = TRY(SocketIn(where, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int on = 1;
    ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(53);
    a.sin_addr.s_addr = htonl(listen_);
    for (const Fd* fd : {&udp_, &tcp_}) {
      // All pods' responders have this address; each hears its own veth only.
      if (!device.empty() && ::setsockopt(fd->get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                                          static_cast<socklen_t>(device.size())) < 0)
        return Error::Errno("DNS: bind to " + device);
      if (::bind(fd->get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)) < 0)
        return Error::Errno("DNS: bind " + options_.listen);
      Watch(fd->get(), EPOLLIN);
    }
    if (::listen(tcp_.get(), 16) < 0) return Error::Errno("DNS: listen");
    return OkStatus();
  }

  int Descriptor() const override { return epoll_.get(); }

  void OnReady() override {
    epoll_event events[32];
    int n = ::epoll_wait(epoll_.get(), events, 32, 0);
    for (int i = 0; i < n; ++i) {
      int fd = events[i].data.fd;
      if (fd == udp_.get()) {
        OnUdp();
      } else if (fd == tcp_.get()) {
        OnAccept();
      } else if (auto s = streams_.find(fd); s != streams_.end()) {
        OnStream(s->second);
      } else {
        forwarder_->OnReady(fd);
      }
    }
  }

  int64_t NextDeadlineNanos() const override {
    int64_t next = forwarder_->NextDeadlineNanos();
    for (const auto& [fd, s] : streams_) next = next < 0 ? s.deadline : std::min(next, s.deadline);
    return next;
  }

  void OnDeadline() override {
    int64_t now = MonotonicNanos();
    forwarder_->OnDeadline();
    std::erase_if(streams_, [&](const auto& s) { return s.second.deadline <= now; });
  }

 private:
  // A closed descriptor leaves the set by itself: nobody else has it.
  void Watch(int fd, uint32_t events) {
    epoll_event e{};
    e.events = events;
    e.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) < 0 && errno == EEXIST)
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &e);
  }

  void OnUdp() {
    for (int i = 0; i < 64; ++i) {  // and then whoever else waits
      char buf[kMostQuery];
      Client c;
      socklen_t len = sizeof(c.from);
      ssize_t n =
          ::recvfrom(udp_.get(), buf, sizeof(buf), 0, reinterpret_cast<sockaddr*>(&c.from), &len);
      if (n < 0) return;
      OnQuery(c, {buf, static_cast<size_t>(n)});
    }
  }

  void OnAccept() {
    Fd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd || streams_.size() >= kMostStreams) return;
    int number = fd.get();
    Watch(number, EPOLLIN);
    streams_[number] = {std::move(fd), ++last_stream_, {}, MonotonicNanos() + kStreamLife};
  }

  void OnStream(Stream& s) {
    int fd = s.fd.get();
    char buf[kMostQuery];
    ssize_t n = ::read(fd, buf, sizeof(buf));
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      streams_.erase(fd);
      return;
    }
    s.in.append(buf, static_cast<size_t>(n));
    s.deadline = MonotonicNanos() + kStreamLife;
    Client c;
    c.stream = s.number;
    std::string in = std::move(s.in);
    while (std::optional<std::string> query = Unframe(&in)) OnQuery(c, *query);
    auto still = streams_.find(fd);  // an answer that nobody reads ends the stream
    if (still == streams_.end() || still->second.number != c.stream) return;
    if (in.size() > kMostQuery) {
      streams_.erase(still);
    } else {
      still->second.in = std::move(in);
    }
  }

  void Reply(const Client& c, const std::string& bytes) {
    if (bytes.empty() || bytes.size() > 65535) return;
    if (c.stream == 0) {
      ::sendto(udp_.get(), bytes.data(), bytes.size(), 0,
               reinterpret_cast<const sockaddr*>(&c.from), sizeof(c.from));
      return;
    }
    auto s = std::find_if(streams_.begin(), streams_.end(),
                          [&](const auto& e) { return e.second.number == c.stream; });
    if (s == streams_.end()) return;
    std::string framed = Framed(bytes);
    // A client that does not read its answers loses them.
    if (::send(s->first, framed.data(), framed.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
      streams_.erase(s);
  }

  void OnQuery(const Client& c, std::string_view query) {
    std::optional<Question> q = ParseQuestion(query);
    if (!q) return Reply(c, BuildRefusal(query));
    Refresh();
    if (!q->internet) return Reply(c, BuildWrongClass(query));
    Answer a = Resolve(q->name, zone_, namespace_);
    size_t limit = c.stream == 0 ? q->udp_size : 65535;
    if (!a.ours) {
      forwarder_->Ask(
          std::string(query), *q, c.stream != 0,
          [this, c, limit, query = std::string(query)](const std::string& response) {
            Reply(c, response.empty() ? BuildFailure(query) : Truncated(response, query, limit));
          });
      return;
    }
    if (NeedsMore(a, q->type)) return AskForAlias(c, query, std::move(a), q->type, limit);
    // Who takes the first one shall not take the same as all others.
    std::shuffle(a.addresses.begin(), a.addresses.end(), random_);
    std::shuffle(a.places.begin(), a.places.end(), random_);
    Reply(c, BuildAnswer(query, a, limit));
  }

  // An external name is followed here: a program's resolver does not ask for it itself.
  void AskForAlias(const Client& c, std::string_view query, Answer a, uint16_t type, size_t limit) {
    std::string further = BuildQuery(ToLower(a.aliases.back()), type, 0);
    std::optional<Question> question = ParseQuestion(further);
    if (!question) return Reply(c, BuildFailure(query));
    forwarder_->Ask(
        further, *question, c.stream != 0,
        [this, c, limit, a = std::move(a), query = std::string(query)](const std::string& r) {
          Reply(c, r.empty() ? BuildFailure(query) : BuildAliasAnswer(query, a, r, limit));
        });
  }

  // The state files are read again when their directories changed.
  void Refresh() {
    std::optional<int64_t> pods = Changed(RecordDirectory(options_.paths), pods_stamp_);
    if (pods) {
      Result<std::vector<PodRecord>> records = ListRecords(options_.paths);
      Result<std::optional<Config>> config = ReadConfig(options_.paths);
      if (records && config) {
        zone_.pods = std::move(*records);
        if (*config) zone_.pod_range = (*config)->pods;
        if (*config) zone_.service_range = (*config)->services;
        pods_stamp_ = *pods;
      }
    }
    std::optional<int64_t> services = Changed(ServiceDirectory(options_.paths), services_stamp_);
    if (!services) return;
    Result<std::vector<ServiceRecord>> records = ListServices(options_.paths);
    if (!records) return;
    zone_.services = std::move(*records);
    services_stamp_ = *services;
  }

  // The stamp to be remembered when the directory was read; nullopt: it is as it was.
  static std::optional<int64_t> Changed(const std::string& directory, int64_t seen) {
    struct stat st {};
    int64_t stamp = kNothing;
    if (::stat(directory.c_str(), &st) == 0)
      stamp = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    if (stamp == seen) return std::nullopt;
    // What changes within the same tick would go unseen for ever.
    return stamp == kNothing || NowNanos() - stamp > kCoarse ? stamp : seen;
  }

  Options options_;
  Ipv4 listen_;
  std::string namespace_ = NamespaceOf(options_.pod_id);
  Fd epoll_, udp_, tcp_;
  std::unique_ptr<DnsForwarder> forwarder_;
  std::map<int, Stream> streams_;
  uint64_t last_stream_ = 0;
  Zone zone_;
  int64_t pods_stamp_ = kUnseen, services_stamp_ = kUnseen;
  std::minstd_rand random_{static_cast<uint32_t>(MonotonicNanos())};
};

}  // namespace

Result<std::unique_ptr<DnsServer>> DnsServer::Create(const Options& options) {
  auto listen = ParseIpv4(options.listen);
  if (!listen) return Error("DNS: not an address: " + options.listen);
  auto server = std::make_unique<Server>(options, *listen);
  TRY(server->Open());
  return std::unique_ptr<DnsServer>(std::move(server));
}

}  // namespace kpod::network
