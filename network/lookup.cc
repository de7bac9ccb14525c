#include "network/lookup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/dns_packet.h"
#include "network/namespace.h"

namespace kpod::network {

namespace {

constexpr int64_t kTry = 2'000'000'000;  // for one server
constexpr size_t kMostFile = 1 << 20;
constexpr size_t kMostSearched = 6;  // as the C library takes them
constexpr size_t kLongestName = 253;

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  line = line.substr(0, line.find_first_of("#;"));
  for (std::string& word : Split(ReplaceAll(std::string(line), "\t", " "), ' ')) {
    std::string_view trimmed = Trim(word);
    if (!trimmed.empty()) words.emplace_back(trimmed);
  }
  return words;
}

int FamilyOf(const std::string& address) {
  in6_addr any;
  if (::inet_pton(AF_INET, address.c_str(), &any) == 1) return AF_INET;
  return ::inet_pton(AF_INET6, address.c_str(), &any) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  for (const std::string& label : Split(name, '.')) {
    if (label.empty() || label.size() > 63) return false;
  }
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

std::vector<std::string> AddressesInHosts(std::string_view hosts, std::string_view name) {
  std::string wanted = ToLower(name);
  std::vector<std::string> v4, v6;
  for (const std::string& line : Split(hosts, '\n')) {
    std::vector<std::string> words = Words(line);
    if (words.size() < 2 || std::none_of(words.begin() + 1, words.end(), [&](const std::string& w) {
          return ToLower(w) == wanted;
        }))
      continue;
    int family = FamilyOf(words[0]);
    if (family == AF_INET) v4.push_back(words[0]);
    if (family == AF_INET6) v6.push_back(words[0]);
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

std::vector<std::string> SearchedNames(std::string_view resolv_conf, std::string_view name) {
  if (name.ends_with('.')) return {std::string(name.substr(0, name.size() - 1))};
  std::vector<std::string> search;
  int64_t ndots = 1;
  for (const std::string& line : Split(resolv_conf, '\n')) {
    std::vector<std::string> words = Words(line);
    if (words.size() < 2) continue;
    if (words[0] == "search" || words[0] == "domain") {  // the last line counts
      search.assign(words.begin() + 1, words.end());
    } else if (words[0] == "options") {
      for (const std::string& word : words) {
        if (word.starts_with("ndots:")) ndots = ParseInt(word.substr(6)).value_or(ndots);
      }
    }
  }
  if (search.size() > kMostSearched) search.resize(kMostSearched);
  std::vector<std::string> out;
  bool as_it_is_first = std::count(name.begin(), name.end(), '.') >= ndots;
  if (as_it_is_first) out.emplace_back(name);
  for (const std::string& suffix : search) {
    std::string_view domain = suffix;
    while (domain.ends_with('.')) domain.remove_suffix(1);
    if (!domain.empty()) out.push_back(StrCat(name, ".", domain));
  }
  if (!as_it_is_first) out.emplace_back(name);
  return out;
}

Lookup::~Lookup() { Close(); }

void Lookup::Start(const std::string& name, Done done) {
  name_ = name;
  done_ = std::move(done);
  std::vector<std::string> known =
      AddressesInHosts(ReadFile(options_.hosts, kMostFile).value_or(std::string()), name);
  if (!known.empty()) return Finish(std::move(known));
  std::string plain = ToLower(name);
  if (plain == "localhost" || plain.ends_with(".localhost"))  // RFC 6761
    return Finish(std::vector<std::string>{"127.0.0.1", "::1"});
  std::string conf = ReadFile(options_.resolv_conf, kMostFile).value_or(std::string());
  names_ = SearchedNames(conf, plain);
  std::erase_if(names_, [](const std::string& n) { return !IsName(n); });
  servers_ = ParseResolvers(conf);
  if (servers_.empty()) servers_ = ParseResolvers("nameserver 127.0.0.1");  // resolv.conf(5)
  if (names_.empty()) return Finish(Error(StrCat("lookup ", name_, ": no such host")));
  Ask();
}

void Lookup::Ask() {
  Close();
  const Resolver& server = servers_[at_server_];
  if (::getrandom(&id_, sizeof(id_), 0) != sizeof(id_)) id_ = static_cast<uint16_t>(NowNanos());
  std::string query = BuildAddressQuery(names_[at_name_], v6_, id_);
  Result<Fd> socket =
      SocketIn(options_.netns_fd, server.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (!socket) return Finish(std::move(socket.error()).Wrap(StrCat("lookup ", name_)));
  socket_ = std::move(*socket);
  // Connected: the kernel drops what another address sends, and tells that nobody listens.
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&server.address), server.size) <
          0 ||
      ::send(socket_.get(), query.data(), query.size(), MSG_NOSIGNAL) < 0)
    return NextServer(ToLower(std::strerror(errno)));
  timer_ = loop_->After(kTry, [this] {
    timer_ = 0;
    NextServer("i/o timeout");
  });
  Status watched = loop_->OnReadable(socket_.get(), [this] { OnReadable(); });
  if (!watched) Finish(std::move(watched.error()));
}

void Lookup::OnReadable() {
  char buffer[4096];
  ssize_t n = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return NextServer(ToLower(std::strerror(errno)));
  std::optional<AddressAnswer> answer =
      ParseAddressAnswer({buffer, static_cast<size_t>(n)}, names_[at_name_], v6_, id_);
  if (!answer) return;  // not an answer to this question: the right one may still come
  switch (answer->outcome) {
    case AddressAnswer::Outcome::kFailed:
      return NextServer("server misbehaving");
    case AddressAnswer::Outcome::kNoSuchName:
      return NextName();
    case AddressAnswer::Outcome::kFound:
      break;
  }
  if (!answer->addresses.empty()) return Finish(std::move(answer->addresses));
  if (v6_) return NextName();
  v6_ = true;
  Ask();
}

void Lookup::NextServer(std::string_view why) {
  std::string message = StrCat("lookup ", name_, " on ", Server(), ": ", why);
  if (++at_server_ == servers_.size()) return Finish(Error(std::move(message)));
  Ask();
}

void Lookup::NextName() {
  v6_ = false;
  if (++at_name_ == names_.size())
    return Finish(Error(StrCat("lookup ", name_, " on ", Server(), ": no such host")));
  Ask();
}

void Lookup::Finish(Result<std::vector<std::string>> addresses) {
  Close();
  Done done = std::move(done_);
  done(std::move(addresses));
}

void Lookup::Close() {
  loop_->Cancel(timer_);
  timer_ = 0;
  if (!socket_) return;
  loop_->Forget(socket_.get());
  socket_.Reset();
}

std::string Lookup::Server() const {
  const sockaddr_storage& a = servers_[at_server_].address;
  char text[INET6_ADDRSTRLEN] = "";
  if (a.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(a).sin_addr, text, sizeof(text));
    return StrCat(text, ":", 53);
  }
  ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(a).sin6_addr, text, sizeof(text));
  return StrCat("[", text, "]:", 53);
}

}  // namespace kpod::network
