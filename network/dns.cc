// The pod's DNS responder: answers cluster.local from the state files, forwards the rest from the
// host's namespace.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
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
#include "network/state.h"

namespace kpod::network {

namespace {

constexpr int64_t kTry = 2'000'000'000;  // for one upstream server
constexpr size_t kMostWaiting = 256;     // questions under way; more are refused
constexpr size_t kMostStreams = 16;      // TCP clients
constexpr int64_t kStreamLife = 10'000'000'000;

uint16_t RandomId() {
  uint16_t id = 0;
  if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(MonotonicNanos());
  return id;
}

sockaddr_in Address(Ipv4 ip, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(ip);
  return a;
}

struct Client {
  int stream = -1;  // a TCP client's descriptor, or -1
  sockaddr_in from{};
};

// One question on its way; its own socket, so that its source port is random.
struct Waiting {
  Client client;
  std::string query;
  Question question;
  uint16_t id = 0;
  size_t server = 0;
  int64_t deadline = 0;
  Fd socket;
};

struct Stream {
  Fd fd;
  std::string in;
  int64_t deadline = 0;
};

class Server : public DnsServer {
 public:
  Server(Options options, Ipv4 listen) : options_(std::move(options)), listen_(listen) {}

  Status Open() {
    Fd host = TRY(Dup(options_.host_netns_fd));
    host_ = std::move(host);
    auto ip = ParseIpv4(options_.pod_ip);
    if (!ip) return Error("DNS: not an address: " + options_.pod_ip);
    std::string device = VethFor(*ip);
    Fd node = TRY(kpod::Open(options_.paths.run + "/netns/node", O_RDONLY));
    udp_ = TRY(SocketIn(node.get(), AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    tcp_ = TRY(SocketIn(node.get(), AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int on = 1;
    ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in a = Address(listen_, 53);
    for (const Fd* fd : {&udp_, &tcp_}) {
      // All pods' responders have this address; each hears its own veth only.
      if (::setsockopt(fd->get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                       static_cast<socklen_t>(device.size())) < 0) {
        return Error::Errno("DNS: bind to " + device);
      }
      if (::bind(fd->get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)) < 0)
        return Error::Errno("DNS: bind " + options_.listen);
    }
    if (::listen(tcp_.get(), 16) < 0) return Error::Errno("DNS: listen");
    return OkStatus();
  }

  std::vector<int> Descriptors() const override {
    std::vector<int> out = {udp_.get(), tcp_.get()};
    for (const auto& [fd, s] : streams_) out.push_back(fd);
    for (const auto& [fd, w] : waiting_) out.push_back(fd);
    return out;
  }

  void OnReadable(int fd) override {
    if (fd == udp_.get()) return OnUdp();
    if (fd == tcp_.get()) return OnAccept();
    if (streams_.contains(fd)) return OnStream(fd);
    if (waiting_.contains(fd)) return OnUpstream(fd);
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
    for (int fd : late) {
      Waiting w = std::move(waiting_.extract(fd).mapped());
      ++w.server;
      Forward(std::move(w));
    }
    std::erase_if(streams_, [&](const auto& s) { return s.second.deadline <= now; });
  }

 private:
  void OnUdp() {
    for (int i = 0; i < 64; ++i) {
      char buf[4096];
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
    streams_[number] = {std::move(fd), {}, MonotonicNanos() + kStreamLife};
  }

  void OnStream(int fd) {
    Stream& s = streams_[fd];
    char buf[4096];
    ssize_t n = ::read(fd, buf, sizeof(buf));
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN) streams_.erase(fd);
      return;
    }
    s.in.append(buf, static_cast<size_t>(n));
    // Two bytes of length before each message (RFC 1035, 4.2.2).
    while (s.in.size() >= 2) {
      size_t size = static_cast<size_t>(static_cast<unsigned char>(s.in[0])) << 8 |
                    static_cast<unsigned char>(s.in[1]);
      if (s.in.size() < size + 2) return;
      std::string query = s.in.substr(2, size);
      s.in.erase(0, size + 2);
      Client c;
      c.stream = fd;
      OnQuery(c, query);
      if (!streams_.contains(fd)) return;
    }
  }

  void Reply(const Client& c, const std::string& bytes) {
    if (bytes.empty()) return;
    if (c.stream < 0) {
      ::sendto(udp_.get(), bytes.data(), bytes.size(), 0,
               reinterpret_cast<const sockaddr*>(&c.from), sizeof(c.from));
      return;
    }
    if (!streams_.contains(c.stream)) return;
    std::string framed{static_cast<char>(bytes.size() >> 8),
                       static_cast<char>(bytes.size() & 0xff)};
    framed += bytes;
    // A client that does not read its answer loses it.
    if (::send(c.stream, framed.data(), framed.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
      streams_.erase(c.stream);
  }

  void OnQuery(const Client& c, std::string_view query) {
    std::optional<Question> q = ParseQuestion(query);
    if (!q) return;
    Refresh();
    Answer a = Resolve(q->name, records_, range_);
    if (a.ours) return Reply(c, BuildAnswer(query, a, c.stream < 0 ? q->udp_size : 65535));
    Waiting w;
    w.client = c;
    w.query = query;
    w.question = *q;
    Forward(std::move(w));
  }

  // The state files are read again when their directory changed.
  void Refresh() {
    struct stat st;
    if (::stat(RecordDirectory(options_.paths).c_str(), &st) < 0) return;
    int64_t stamp = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    if (stamp == records_stamp_) return;
    Result<std::vector<PodRecord>> records = ListRecords(options_.paths);
    if (records) records_ = std::move(*records);
    Result<std::optional<Config>> config = ReadConfig(options_.paths);
    if (config && *config) range_ = (*config)->pods;
    records_stamp_ = stamp;
  }

  std::vector<Ipv4> Upstream() const {
    std::vector<Ipv4> out;
    Result<std::string> text = ReadFile(options_.upstream_resolv_conf, 1 << 16);
    if (!text) return out;
    for (const std::string& line : Split(*text, '\n')) {
      std::vector<std::string> words = Split(ReplaceAll(line, "\t", " "), ' ');
      if (words.size() < 2 || words[0] != "nameserver") continue;
      auto ip = ParseIpv4(Trim(words[1]));
      if (ip && *ip != listen_) out.push_back(*ip);
    }
    return out;
  }

  void Forward(Waiting w) {
    std::vector<Ipv4> servers = Upstream();
    for (; w.server < servers.size() && waiting_.size() < kMostWaiting; ++w.server) {
      Result<Fd> fd = SocketIn(host_.get(), AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
      sockaddr_in a = Address(servers[w.server], 53);
      w.id = RandomId();
      std::string packet = WithId(w.query, w.id);
      // Connected: the kernel drops what another address sends.
      if (!fd || ::connect(fd->get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)) < 0) continue;
      if (::send(fd->get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) continue;
      w.deadline = MonotonicNanos() + kTry;
      int number = fd->get();
      w.socket = std::move(*fd);
      waiting_.insert_or_assign(number, std::move(w));
      return;
    }
    Reply(w.client, BuildFailure(w.query));
  }

  void OnUpstream(int fd) {
    char buf[4096];
    ssize_t n = ::recv(fd, buf, sizeof(buf), 0);
    Waiting& w = waiting_[fd];
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {  // refused: the next server
      Waiting next = std::move(waiting_.extract(fd).mapped());
      ++next.server;
      return Forward(std::move(next));
    }
    std::string_view response(buf, static_cast<size_t>(n));
    if (response.size() < 12 || WithId(response, w.id) != response ||
        !Answers(response, w.question))
      return;
    Waiting done = std::move(waiting_.extract(fd).mapped());
    std::string out = WithId(response, done.question.id);
    Reply(done.client,
          done.client.stream < 0 ? Truncated(out, done.query, done.question.udp_size) : out);
  }

  Options options_;
  Ipv4 listen_;
  Fd host_, udp_, tcp_;
  std::map<int, Waiting> waiting_;
  std::map<int, Stream> streams_;
  std::vector<PodRecord> records_;
  Range range_;
  int64_t records_stamp_ = 0;
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
