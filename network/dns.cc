// The pod's DNS responder: answers cluster.local from the state files, forwards the rest from the
// host's namespace.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/dns_packet.h"
#include "network/namespace.h"
#include "network/network.h"
#include "network/node.h"
#include "network/resolvers.h"
#include "network/state.h"

namespace kpod::network {

namespace {

constexpr int64_t kTry = 2'000'000'000;  // for one upstream server
constexpr size_t kMostWaiting = 256;     // questions under way; more are answered SERVFAIL
constexpr size_t kMostStreams = 16;      // TCP clients
constexpr size_t kMostQuery = 4096;      // bytes; a question is never near it
constexpr int64_t kStreamLife = 10'000'000'000;
constexpr int64_t kCoarse = 20'000'000;  // file times of the kernel stand still for a tick or two

uint16_t RandomId() {
  uint16_t id = 0;
  if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(MonotonicNanos());
  return id;
}

// Two bytes of length before each message on a stream (RFC 1035, 4.2.2).
std::string Framed(const std::string& bytes) {
  return std::string{static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size() & 0xff)} +
         bytes;
}
// Takes the first whole message off `buffer`.
std::optional<std::string> Unframe(std::string* buffer) {
  if (buffer->size() < 2) return std::nullopt;
  size_t size = static_cast<size_t>(static_cast<unsigned char>((*buffer)[0])) << 8 |
                static_cast<unsigned char>((*buffer)[1]);
  if (buffer->size() < size + 2) return std::nullopt;
  std::string message = buffer->substr(2, size);
  buffer->erase(0, size + 2);
  return message;
}

struct Client {
  uint64_t stream = 0;  // a TCP client's number, or 0
  sockaddr_in from{};
};

// One question on its way; its own socket, so that its source port is random.
struct Waiting {
  Client client;
  std::string query;
  Question question;
  uint16_t id = 0;
  size_t tried = 0;   // servers before this one
  size_t server = 0;  // which one it is at
  int64_t deadline = 0;
  bool connecting = false;  // TCP: to be sent when the connection stands
  std::string in;
  Fd socket;
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
    host_ = TRY(Dup(options_.host_netns_fd));
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return Error::Errno("DNS: epoll");
    auto ip = ParseIpv4(options_.pod_ip);
    if (!ip) return Error("DNS: not an address: " + options_.pod_ip);
    std::string device = VethFor(*ip);
    Fd node = TRY(OpenNode(options_.paths));
    udp_ = TRY(SocketIn(node.get(), AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    tcp_ = TRY(SocketIn(node.get(), AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int on = 1;
    ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(53);
    a.sin_addr.s_addr = htonl(listen_);
    for (const Fd* fd : {&udp_, &tcp_}) {
      // All pods' responders have this address; each hears its own veth only.
      if (::setsockopt(fd->get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
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
      } else if (auto w = waiting_.find(fd); w != waiting_.end()) {
        OnUpstream(w->second);
      }
    }
  }

  int64_t NextDeadlineNanos() const override {
    int64_t next = -1;
    auto earlier = [&](int64_t t) { next = next < 0 ? t : std::min(next, t); };
    for (const auto& [fd, w] : waiting_) earlier(w.deadline);
    for (const auto& [fd, s] : streams_) earlier(s.deadline);
    return next;
  }

  void OnDeadline() override {
    int64_t now = MonotonicNanos();
    std::vector<int> late;
    for (const auto& [fd, w] : waiting_) {
      if (w.deadline <= now) late.push_back(fd);
    }
    for (int fd : late) NextServer(waiting_.at(fd));
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
    Answer a = Resolve(q->name, zone_, namespace_);
    if (a.ours) return Reply(c, BuildAnswer(query, a, c.stream == 0 ? q->udp_size : 65535));
    Waiting w;
    w.client = c;
    w.query = query;
    w.question = *q;
    Forward(std::move(w));
  }

  // The state files are read again when their directories changed.
  void Refresh() {
    if (Changed(RecordDirectory(options_.paths), &pods_stamp_)) {
      Result<std::vector<PodRecord>> pods = ListRecords(options_.paths);
      if (pods) zone_.pods = std::move(*pods);
      Result<std::optional<Config>> config = ReadConfig(options_.paths);
      if (config && *config) {
        zone_.pod_range = (*config)->pods;
        zone_.service_range = (*config)->services;
      }
    }
    if (!Changed(ServiceDirectory(options_.paths), &services_stamp_)) return;
    Result<std::vector<ServiceRecord>> services = ListServices(options_.paths);
    if (services) zone_.services = std::move(*services);
  }

  static bool Changed(const std::string& directory, int64_t* seen) {
    struct stat st;
    if (::stat(directory.c_str(), &st) < 0) return false;
    int64_t stamp = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    if (stamp == *seen) return false;
    // What changes within the same tick would go unseen for ever.
    if (NowNanos() - stamp > kCoarse) *seen = stamp;
    return true;
  }

  // Sends it to the next server that can be sent to; SERVFAIL when there is none left.
  void Forward(Waiting w) {
    std::vector<Resolver> servers =
        ParseResolvers(ReadFile(options_.upstream_resolv_conf, 1 << 16).value_or(std::string()));
    for (; w.tried < servers.size() && waiting_.size() < kMostWaiting; ++w.tried) {
      // The one that answered last comes first: a dead one costs its time once.
      w.server = (preferred_ + w.tried) % servers.size();
      const Resolver& server = servers[w.server];
      bool stream = w.client.stream != 0;  // whoever asks so wants more than a datagram holds
      Result<Fd> fd = SocketIn(host_.get(), server.address.ss_family,
                               (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
      if (!fd) continue;
      // Connected: the kernel drops what another address sends.
      bool connected = ::connect(fd->get(), reinterpret_cast<const sockaddr*>(&server.address),
                                 server.size) == 0;
      if (!connected && !(stream && errno == EINPROGRESS)) continue;
      w.id = RandomId();
      w.in.clear();
      w.connecting = stream;
      if (!stream) {
        std::string packet = WithId(w.query, w.id);
        if (::send(fd->get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) continue;
      }
      w.deadline = MonotonicNanos() + kTry;
      int number = fd->get();
      Watch(number, stream ? EPOLLOUT : EPOLLIN);
      w.socket = std::move(*fd);
      waiting_.insert_or_assign(number, std::move(w));
      return;
    }
    Reply(w.client, BuildFailure(w.query));
  }

  void NextServer(Waiting& w) {
    Waiting next = std::move(waiting_.extract(w.socket.get()).mapped());
    next.socket.Reset();
    ++next.tried;
    Forward(std::move(next));
  }

  void OnUpstream(Waiting& w) {
    int fd = w.socket.get();
    if (w.connecting) {
      std::string framed = Framed(WithId(w.query, w.id));
      if (::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(framed.size()))
        return NextServer(w);
      w.connecting = false;
      return Watch(fd, EPOLLIN);
    }
    static char buf[65536];  // one thread
    ssize_t n = ::recv(fd, buf, sizeof(buf), 0);
    if (n < 0 && errno == EAGAIN) return;
    bool stream = w.client.stream != 0;
    if (n < 0 || (n == 0 && stream)) return NextServer(w);  // refused
    std::string response(buf, static_cast<size_t>(n));
    if (stream) {
      w.in += response;
      std::optional<std::string> whole = Unframe(&w.in);
      if (!whole) return;
      response = std::move(*whole);
    }
    if (!Answers(response, w.id, w.question)) return;
    Waiting done = std::move(waiting_.extract(fd).mapped());
    preferred_ = done.server;
    std::string out = WithId(response, done.question.id);
    Reply(done.client, stream ? out : Truncated(out, done.query, done.question.udp_size));
  }

  Options options_;
  Ipv4 listen_;
  std::string namespace_ = NamespaceOf(options_.pod_id);
  Fd epoll_, host_, udp_, tcp_;
  std::map<int, Waiting> waiting_;
  std::map<int, Stream> streams_;
  uint64_t last_stream_ = 0;
  size_t preferred_ = 0;
  Zone zone_;
  int64_t pods_stamp_ = 0, services_stamp_ = 0;
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
