#include "network/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "network/netlink.h"

namespace kpod::network {

namespace {

constexpr size_t kAttributes = NLMSG_ALIGN(sizeof(nfgenmsg));

NetlinkMessage Message(const char* what, uint16_t type, uint16_t flags) {
  NetlinkMessage m(what, static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type), flags);
  m.Fixed(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
  return m;
}

bool CameTo(std::string_view tuple, const std::vector<PortMapping>& ports) {
  auto ip = Attribute(tuple, 0, CTA_TUPLE_IP);
  auto proto = Attribute(tuple, 0, CTA_TUPLE_PROTO);
  if (!ip || !proto) return false;
  auto number = Attribute(*proto, 0, CTA_PROTO_NUM);
  auto port = Attribute(*proto, 0, CTA_PROTO_DST_PORT);
  auto to = AttributeU32(*ip, 0, CTA_IP_V4_DST);
  if (!number || number->empty() || number->front() != IPPROTO_UDP || !port || !to) return false;
  uint16_t be = Prefix<uint16_t>(*port).value_or(0);
  for (const PortMapping& p : ports) {
    if (p.protocol != "udp" || p.host_port != ntohs(be)) continue;
    auto address = ParseIpv4(p.host_ip);
    if (!address || *address == 0 || *address == ntohl(*to)) return true;
  }
  return false;
}

}  // namespace

Status ForgetUdpFlows(int host_net, const std::vector<PortMapping>& ports) {
  bool any = false;
  for (const PortMapping& p : ports) any = any || p.protocol == "udp";
  if (!any) return OkStatus();
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, host_net));
  std::vector<std::string> tuples;
  TRY(socket.Query(Message("list tracked flows", IPCTNL_MSG_CT_GET, NLM_F_DUMP),
                   [&](const NetlinkReply& r) {
                     auto tuple = Attribute(r.payload, kAttributes, CTA_TUPLE_ORIG);
                     if (tuple && CameTo(*tuple, ports)) tuples.emplace_back(*tuple);
                   }));
  for (const std::string& tuple : tuples) {
    NetlinkMessage m = Message("forget a tracked flow", IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
    m.Bytes(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple).Accept(ENOENT);  // it may have ended by itself
    TRY(socket.Run(std::move(m)));
  }
  return OkStatus();
}

}  // namespace kpod::network
