// rtnetlink(7): the messages by which links, addresses and routes are made. The functions build
// messages; NetlinkSocket::Run sends several of them at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/address.h"
#include "network/netlink.h"

namespace kpod::network {

struct Link {
  uint32_t index = 0;
  uint32_t mtu = 0;
  uint32_t peer_index = 0;  // IFLA_LINK: of a veth, its peer's index in the peer's namespace
  bool up = false;
  std::string name, kind, alias, mac;
};
struct Route {
  Range to;
  uint32_t interface = 0;
  uint32_t metric = 0;
};

struct VethEnd {
  std::string name;
  std::string mac;    // "": the kernel's choice
  int netns_fd = -1;  // -1: the socket's namespace
};
NetlinkMessage AddVeth(const VethEnd& here, const VethEnd& there, uint32_t mtu);
NetlinkMessage DeleteLink(const std::string& name);
NetlinkMessage SetLinkUp(const std::string& name);
// No link-local address is generated on it, so no duplicate address detection delays anything.
NetlinkMessage WithoutIpv6Address(const std::string& name);
NetlinkMessage SetLinkAlias(const std::string& name, const std::string& alias);
NetlinkMessage AddAddress(uint32_t interface, Ipv4 address, bool link_scope = false);

struct RouteSpec {
  Range to;  // prefix 0: the default route
  uint32_t interface = 0;
  std::optional<Ipv4> via;     // is taken to be on the link
  std::optional<Ipv4> source;  // preferred source address
  bool unreachable = false;    // answers with ICMP instead of carrying
};
NetlinkMessage AddRoute(const RouteSpec& route, bool exclusive = false);
NetlinkMessage DeleteRoute(const RouteSpec& route);

// nullopt when there is none of that name.
Result<std::optional<Link>> FindLink(NetlinkSocket& socket, const std::string& name);
Result<std::vector<Link>> ListLinks(NetlinkSocket& socket);
Result<std::vector<Range>> ListAddresses(NetlinkSocket& socket);  // with their on-link range
Result<std::vector<Route>> ListRoutes(NetlinkSocket& socket);     // IPv4, main and other tables
// The interface over which the namespace would send to `address`; 0: no route.
Result<uint32_t> InterfaceTowards(NetlinkSocket& socket, Ipv4 address);
// The address with which the namespace speaks to the outside: the source of its default route, else
// the first that is no loopback.
Result<std::optional<Ipv4>> OutwardAddress(NetlinkSocket& socket);

// Bringing up the second end of a veth leaves the first end's queue to a work item of the kernel
// (linkwatch); until it has run, packets sent there are dropped, and the first connection would
// wait a second for its retransmission. Asking for the link state runs the work item now
// (ethtool_op_get_link calls linkwatch_sync_dev).
void SettleLink(int netns_fd, const std::string& name);

}  // namespace kpod::network
