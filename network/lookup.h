// Addresses of a host name as a program of the machine would get them: /etc/hosts, then the servers
// and the search list of /etc/resolv.conf. getaddrinfo(3) is no help: it blocks, and does not work
// in a static binary. One question at a time, so that it costs one socket and is bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"
#include "network/resolvers.h"

namespace kpod::network {

// Lines of hosts(5): the addresses of a name, which is compared without regard to case.
std::vector<std::string> AddressesInHosts(std::string_view hosts, std::string_view name);
// What is asked for, in this order, each without its last dot (resolv.conf(5): search, domain,
// ndots).
std::vector<std::string> SearchedNames(std::string_view resolv_conf, std::string_view name);

class Lookup {
 public:
  struct Options {
    int netns_fd = -1;  // from where the servers are asked; -1: from the caller's namespace
    std::string hosts = "/etc/hosts", resolv_conf = "/etc/resolv.conf";
  };
  using Done = std::function<void(Result<std::vector<std::string>> addresses)>;  // IPv4 first

  Lookup(Loop* loop, Options options) : loop_(loop), options_(std::move(options)) {}
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // `done` may be called before Start returns, and may destroy the lookup. The errors are Go's:
  // "lookup db.example on 10.0.0.53:53: no such host".
  void Start(const std::string& name, Done done);

 private:
  void Ask();
  void NextServer(std::string_view why);
  void NextName();
  void OnReadable();
  void Finish(Result<std::vector<std::string>> addresses);
  void Close();
  std::string Server() const;

  Loop* loop_;
  Options options_;
  Done done_;
  std::string name_;
  std::vector<std::string> names_;  // to be asked for, in turn
  std::vector<Resolver> servers_;
  size_t at_name_ = 0, at_server_ = 0;
  bool v6_ = false;
  uint16_t id_ = 0;
  std::string why_ = "no such host";
  Fd socket_;
  Loop::TimerId timer_ = 0;
};

}  // namespace kpod::network
