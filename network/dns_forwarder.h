// Questions of a pod that are not the cluster's: asked of the host's name servers, in the host's
// namespace, one after the other, each for two seconds. What they say is kept as long as they
// allow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "network/dns_cache.h"
#include "network/dns_packet.h"

namespace kpod::network {

// One message of a stream: two bytes of length before it (RFC 1035, 4.2.2).
std::string Framed(const std::string& message);
// Takes the first whole message off `buffer`.
std::optional<std::string> Unframe(std::string* buffer);

class DnsForwarder {
 public:
  // The response as it came but with the id of the query; "" when nobody has answered.
  using Done = std::function<void(const std::string& response)>;

  // `epoll`: where its sockets are watched, with their descriptor as data. `resolv_conf`: read for
  // each question, since machines move between networks.
  DnsForwarder(Fd host_netns, int epoll, std::string resolv_conf)
      : host_(std::move(host_netns)), epoll_(epoll), resolv_conf_(std::move(resolv_conf)) {}

  // `stream`: over TCP, as whoever asks so wants more than a datagram holds. `done` may be called
  // before Ask returns.
  void Ask(std::string query, Question question, bool stream, Done done);
  bool OnReady(int fd);  // false: it is none of the forwarder's
  int64_t NextDeadlineNanos() const;
  void OnDeadline();

 private:
  // One question on its way; its own socket, so that its source port is random.
  struct Waiting {
    std::string query;
    Question question;
    bool stream = false;
    Done done;
    uint16_t id = 0;
    size_t tried = 0;   // servers before this one
    size_t server = 0;  // which one it is at
    int64_t deadline = 0;
    bool connecting = false;  // TCP: to be sent when the connection stands
    std::string in;
    Fd socket;
  };

  void Send(Waiting w);
  void NextServer(int fd);
  void OnSocket(Waiting& w);

  Fd host_;
  int epoll_;
  std::string resolv_conf_;
  std::map<int, Waiting> waiting_;
  size_t preferred_ = 0;
  DnsCache cache_;
};

}  // namespace kpod::network
