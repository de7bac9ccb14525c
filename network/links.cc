#include "network/links.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/text.h"
#include "network/namespace.h"

namespace kpod::network {

namespace {

std::string MacBytes(const std::string& mac) {
  std::string out;
  for (const std::string& part : Split(mac, ':')) {
    out.push_back(static_cast<char>(ParseHex(part).value_or(0)));
  }
  return out;
}

std::string NetworkOrder(Ipv4 address) {
  uint32_t be = htonl(address);
  return std::string(reinterpret_cast<const char*>(&be), sizeof(be));
}

void PutEnd(NetlinkMessage& m, const VethEnd& end, uint32_t mtu) {
  m.Text(IFLA_IFNAME, end.name).U32(IFLA_MTU, mtu);
  if (!end.mac.empty()) m.Bytes(IFLA_ADDRESS, MacBytes(end.mac));
  if (end.netns_fd >= 0) m.U32(IFLA_NET_NS_FD, static_cast<uint32_t>(end.netns_fd));
}

NetlinkMessage LinkMessage(std::string what, uint16_t type, uint16_t flags, const std::string& name,
                           unsigned if_flags = 0) {
  NetlinkMessage m(std::move(what), type, NLM_F_ACK | flags);
  ifinfomsg info{};
  info.ifi_family = AF_UNSPEC;
  info.ifi_flags = if_flags;
  info.ifi_change = if_flags;
  m.Fixed(info).Text(IFLA_IFNAME, name);
  return m;
}

std::string Describe(const RouteSpec& route) {
  return route.to.prefix == 0 ? "default route" : "route " + FormatRange(route.to);
}

void PutRoute(NetlinkMessage& m, const RouteSpec& route) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = static_cast<unsigned char>(route.to.prefix);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_type = route.unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
  head.rtm_scope = route.via || route.unreachable ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  if (route.via) head.rtm_flags = RTNH_F_ONLINK;
  m.Fixed(head);
  if (route.to.prefix > 0) m.Bytes(RTA_DST, NetworkOrder(route.to.base));
  if (route.interface != 0) m.U32(RTA_OIF, route.interface);
  if (route.via) m.Bytes(RTA_GATEWAY, NetworkOrder(*route.via));
  if (route.source) m.Bytes(RTA_PREFSRC, NetworkOrder(*route.source));
}

std::optional<Ipv4> AddressIn(std::string_view payload, size_t offset, int type) {
  std::optional<uint32_t> be = AttributeU32(payload, offset, type);
  return be ? std::optional<Ipv4>(ntohl(*be)) : std::nullopt;
}

std::string TextIn(std::string_view payload, size_t offset, int type) {
  std::string_view text = Attribute(payload, offset, type).value_or("");
  return std::string(text.substr(0, text.find('\0')));
}

Link ParseLink(const NetlinkReply& reply) {
  Link link;
  std::optional<ifinfomsg> info = Prefix<ifinfomsg>(reply.payload);
  if (!info) return link;
  constexpr size_t kOffset = NLMSG_ALIGN(sizeof(ifinfomsg));
  link.index = static_cast<uint32_t>(info->ifi_index);
  link.up = info->ifi_flags & IFF_UP;
  link.mtu = AttributeU32(reply.payload, kOffset, IFLA_MTU).value_or(0);
  link.peer_index = AttributeU32(reply.payload, kOffset, IFLA_LINK).value_or(0);
  link.name = TextIn(reply.payload, kOffset, IFLA_IFNAME);
  link.alias = TextIn(reply.payload, kOffset, IFLA_IFALIAS);
  for (char byte : Attribute(reply.payload, kOffset, IFLA_ADDRESS).value_or("")) {
    link.mac += (link.mac.empty() ? "" : ":") + Hex(std::string_view(&byte, 1));
  }
  if (auto nest = Attribute(reply.payload, kOffset, IFLA_LINKINFO)) {
    link.kind = TextIn(*nest, 0, IFLA_INFO_KIND);
  }
  return link;
}

Range MaskedRange(Ipv4 address, int prefix) {
  uint32_t mask = prefix <= 0 ? 0 : ~0U << (32 - prefix);
  return {address & mask, prefix};
}

}  // namespace

NetlinkMessage AddVeth(const VethEnd& here, const VethEnd& there, uint32_t mtu) {
  NetlinkMessage m("add interface " + here.name, RTM_NEWLINK,
                   NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg info{};
  m.Fixed(info);
  PutEnd(m, here, mtu);
  m.Nest(IFLA_LINKINFO, [&](NetlinkMessage& link_info) {
    link_info.Text(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, [&](NetlinkMessage& data) {
      // IFF_UP here would fail with ENOTCONN: the peer is not linked yet.
      data.Nest(VETH_INFO_PEER, [&](NetlinkMessage& peer) { PutEnd(peer.Raw(info), there, mtu); });
    });
  });
  return m;
}

NetlinkMessage DeleteLink(const std::string& name) {
  NetlinkMessage m = LinkMessage("remove interface " + name, RTM_DELLINK, 0, name);
  m.Accept(ENODEV);
  return m;
}

NetlinkMessage SetLinkUp(const std::string& name) {
  return LinkMessage("bring up interface " + name, RTM_NEWLINK, 0, name, IFF_UP);
}

NetlinkMessage WithoutIpv6Address(const std::string& name) {
  NetlinkMessage m = LinkMessage("set interface " + name, RTM_NEWLINK, 0, name);
  m.Nest(IFLA_AF_SPEC, [](NetlinkMessage& spec) {
    spec.Nest(AF_INET6, [](NetlinkMessage& inet6) {
      inet6.U8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    });
  });
  // A kernel without IPv6 (or with ipv6.disable=1) has nothing to be set.
  m.Accept(EAFNOSUPPORT).Accept(EOPNOTSUPP).Accept(EINVAL);
  return m;
}

NetlinkMessage SetLinkAlias(const std::string& name, const std::string& alias) {
  NetlinkMessage m = LinkMessage("set interface " + name, RTM_NEWLINK, 0, name);
  m.Bytes(IFLA_IFALIAS, alias.substr(0, 255));
  return m;
}

NetlinkMessage AddAddress(uint32_t interface, Ipv4 address, bool link_scope) {
  NetlinkMessage m("add address " + FormatIpv4(address), RTM_NEWADDR,
                   NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_prefixlen = 32;
  head.ifa_scope = link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  head.ifa_index = interface;
  m.Fixed(head)
      .Bytes(IFA_LOCAL, NetworkOrder(address))
      .Bytes(IFA_ADDRESS, NetworkOrder(address))
      .Accept(EEXIST);
  return m;
}

NetlinkMessage AddRoute(const RouteSpec& route, bool exclusive) {
  NetlinkMessage m(
      "add " + Describe(route), RTM_NEWROUTE,
      static_cast<uint16_t>(NLM_F_ACK | NLM_F_CREATE | (exclusive ? NLM_F_EXCL : NLM_F_REPLACE)));
  PutRoute(m, route);
  return m;
}

NetlinkMessage DeleteRoute(const RouteSpec& route) {
  NetlinkMessage m("remove " + Describe(route), RTM_DELROUTE, NLM_F_ACK);
  PutRoute(m, route);
  m.Accept(ESRCH);
  return m;
}

Result<std::optional<Link>> FindLink(NetlinkSocket& socket, const std::string& name) {
  std::optional<Link> found;
  NetlinkMessage m("look for interface " + name, RTM_GETLINK, 0);
  m.Fixed(ifinfomsg{}).Text(IFLA_IFNAME, name);
  Status status = socket.Query(std::move(m), [&](const NetlinkReply& r) { found = ParseLink(r); });
  if (!status && status.error().code() != ENODEV) return std::move(status.error());
  return found;
}

Result<std::vector<Link>> ListLinks(NetlinkSocket& socket) {
  std::vector<Link> links;
  NetlinkMessage m("list interfaces", RTM_GETLINK, NLM_F_DUMP);
  m.Fixed(ifinfomsg{});
  TRY(socket.Query(std::move(m), [&](const NetlinkReply& r) {
    if (r.type == RTM_NEWLINK) links.push_back(ParseLink(r));
  }));
  return links;
}

Result<std::vector<Range>> ListAddresses(NetlinkSocket& socket) {
  std::vector<Range> out;
  NetlinkMessage m("list addresses", RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  m.Fixed(head);
  TRY(socket.Query(std::move(m), [&](const NetlinkReply& r) {
    auto info = Prefix<ifaddrmsg>(r.payload);
    auto address = AddressIn(r.payload, NLMSG_ALIGN(sizeof(ifaddrmsg)), IFA_LOCAL);
    if (info && address) out.push_back(MaskedRange(*address, info->ifa_prefixlen));
  }));
  return out;
}

Result<std::vector<Route>> ListRoutes(NetlinkSocket& socket) {
  std::vector<Route> out;
  NetlinkMessage m("list routes", RTM_GETROUTE, NLM_F_DUMP);
  rtmsg head{};
  head.rtm_family = AF_INET;
  m.Fixed(head);
  TRY(socket.Query(std::move(m), [&](const NetlinkReply& r) {
    auto info = Prefix<rtmsg>(r.payload);
    // The local table repeats the addresses; cached entries are not routes.
    if (!info || info->rtm_table == RT_TABLE_LOCAL || info->rtm_flags & RTM_F_CLONED) return;
    constexpr size_t kOffset = NLMSG_ALIGN(sizeof(rtmsg));
    Ipv4 to = AddressIn(r.payload, kOffset, RTA_DST).value_or(0);
    out.push_back({MaskedRange(to, info->rtm_dst_len),
                   AttributeU32(r.payload, kOffset, RTA_OIF).value_or(0),
                   AttributeU32(r.payload, kOffset, RTA_PRIORITY).value_or(0)});
  }));
  return out;
}

Result<uint32_t> InterfaceTowards(NetlinkSocket& socket, Ipv4 address) {
  uint32_t interface = 0;
  NetlinkMessage m("look for a route", RTM_GETROUTE, 0);
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = 32;
  m.Fixed(head).Bytes(RTA_DST, NetworkOrder(address));
  Status status = socket.Query(std::move(m), [&](const NetlinkReply& r) {
    interface = AttributeU32(r.payload, NLMSG_ALIGN(sizeof(rtmsg)), RTA_OIF).value_or(0);
  });
  if (!status && status.error().code() != ENETUNREACH && status.error().code() != EHOSTUNREACH) {
    return std::move(status.error());
  }
  return interface;
}

Result<std::optional<Ipv4>> OutwardAddress(NetlinkSocket& socket) {
  constexpr Ipv4 kOutside = 0xc0000201;  // 192.0.2.1 (RFC 5737)
  std::optional<Ipv4> found;
  NetlinkMessage m("look for a route", RTM_GETROUTE, 0);
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = 32;
  m.Fixed(head).Bytes(RTA_DST, NetworkOrder(kOutside));
  Status routed = socket.Query(std::move(m), [&](const NetlinkReply& r) {
    found = AddressIn(r.payload, NLMSG_ALIGN(sizeof(rtmsg)), RTA_PREFSRC);
  });
  if (routed && found) return found;
  NetlinkMessage list("list addresses", RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg all{};
  all.ifa_family = AF_INET;
  list.Fixed(all);
  TRY(socket.Query(std::move(list), [&](const NetlinkReply& r) {
    auto address = AddressIn(r.payload, NLMSG_ALIGN(sizeof(ifaddrmsg)), IFA_LOCAL);
    if (address && *address >> 24 != 127 && !found) found = address;
  }));
  return found;
}

void SettleLink(int netns_fd, const std::string& name) {
  Result<Fd> socket = SocketIn(netns_fd, AF_INET, SOCK_DGRAM, 0);
  if (!socket) return;
  ethtool_value value{.cmd = ETHTOOL_GLINK, .data = 0};
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  ::ioctl(socket->get(), SIOCETHTOOL, &request);  // only its side effect is wanted
}

}  // namespace kpod::network
