#include "network/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "network/namespace.h"

namespace kpod::network {

namespace {

bool AnyAddress(const std::string& ip) { return ip.empty() || ip == "0.0.0.0"; }

// "default_web" is how a pod is kept; people say default/web.
std::string PodName(const std::string& id) {
  size_t bar = id.find('_');
  return bar == std::string::npos ? id : StrCat(id.substr(0, bar), "/", id.substr(bar + 1));
}

}  // namespace

std::string Describe(const PortMapping& p) {
  return StrCat(p.host_ip, p.host_ip.empty() ? "" : ":", p.host_port, "/", p.protocol);
}

bool Conflict(const PortMapping& a, const PortMapping& b) {
  return a.host_port == b.host_port && a.protocol == b.protocol &&
         (AnyAddress(a.host_ip) || AnyAddress(b.host_ip) || a.host_ip == b.host_ip);
}

Status CheckAgainst(const std::vector<PodRecord>& pods, const PodRecord& own) {
  for (size_t i = 0; i < own.ports.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (Conflict(own.ports[i], own.ports[j]))
        return Error(StrCat("host port ", Describe(own.ports[i]), " is wanted twice"));
    }
  }
  for (const PodRecord& other : pods) {
    if (other.id == own.id) continue;
    for (const PortMapping& theirs : other.ports) {
      for (const PortMapping& p : own.ports) {
        if (Conflict(p, theirs))
          return Error(
              StrCat("host port ", Describe(p), " is already used by pod ", PodName(other.id)));
      }
    }
  }
  return OkStatus();
}

Status CheckAgainstServices(const std::vector<Allocation>& services, const PodRecord& own) {
  for (const Allocation& s : services) {
    std::vector<std::string> taken = s.host_ports;
    for (const auto& [key, port] : s.node_ports)
      taken.push_back(PortKey(key.substr(0, key.find('/')), port));
    for (const PortMapping& p : own.ports) {
      if (std::find(taken.begin(), taken.end(), PortKey(p.protocol, p.host_port)) != taken.end())
        return Error(
            StrCat("host port ", Describe(p), " is already used by service ", s.ns, "/", s.name));
    }
  }
  return OkStatus();
}

Status CheckFree(int host_net, const PortMapping& p) {
  bool tcp = p.protocol == "tcp";
  bool sctp = p.protocol == "sctp";
  std::string what = StrCat("host port ", Describe(p));
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(p.host_port);
  if (!p.host_ip.empty()) {
    auto ip = ParseIpv4(p.host_ip);
    if (!ip) return Error(StrCat("hostIP ", p.host_ip, " is not an IPv4 address"));
    a.sin_addr.s_addr = htonl(*ip);
  }
  Result<Fd> fd =
      SocketIn(host_net, AF_INET, tcp || sctp ? SOCK_STREAM : SOCK_DGRAM, sctp ? IPPROTO_SCTP : 0);
  if (!fd && fd.error().code() == EPROTONOSUPPORT) return OkStatus();  // nobody can listen then
  if (!fd) return std::move(fd.error());
  int on = 1;
  // Connections of an earlier listener that linger in TIME_WAIT are no listener.
  if (tcp) ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd->get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)) == 0) return OkStatus();
  if (errno == EADDRINUSE) return Error(what + " is already in use on this machine");
  if (errno == EADDRNOTAVAIL)
    return Error(StrCat(what, ": this machine has no address ", p.host_ip));
  return Error::Errno(what);
}

}  // namespace kpod::network
