#include "network/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
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

struct Tuple {
  uint8_t protocol = 0;
  Ipv4 source = 0, destination = 0;
  uint16_t source_port = 0, destination_port = 0;
};

std::optional<Tuple> ParseTuple(std::string_view bytes) {
  auto ip = Attribute(bytes, 0, CTA_TUPLE_IP);
  auto proto = Attribute(bytes, 0, CTA_TUPLE_PROTO);
  if (!ip || !proto) return std::nullopt;
  auto number = Attribute(*proto, 0, CTA_PROTO_NUM);
  auto from = AttributeU32(*ip, 0, CTA_IP_V4_SRC);
  auto to = AttributeU32(*ip, 0, CTA_IP_V4_DST);
  if (!number || number->empty() || !from || !to) return std::nullopt;
  auto port = [&](int type) {
    auto be = Attribute(*proto, 0, type);
    return be ? ntohs(Prefix<uint16_t>(*be).value_or(0)) : uint16_t{0};
  };
  return Tuple{static_cast<uint8_t>(number->front()), ntohl(*from), ntohl(*to),
               port(CTA_PROTO_SRC_PORT), port(CTA_PROTO_DST_PORT)};
}

bool CameTo(const Tuple& t, const std::vector<PortMapping>& ports) {
  return std::any_of(ports.begin(), ports.end(), [&](const PortMapping& p) {
    if (p.protocol != "udp" || p.host_port != t.destination_port) return false;
    auto address = ParseIpv4(p.host_ip);
    return !address || *address == 0 || *address == t.destination;
  });
}

// Forgets the UDP flows of which `matches(first packet, answer)` is true.
Status ForgetUdp(int netns_fd, const std::function<bool(const Tuple&, const Tuple&)>& matches) {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  std::vector<std::string> tuples;
  TRY(socket.Query(
      Message("list tracked flows", IPCTNL_MSG_CT_GET, NLM_F_DUMP), [&](const NetlinkReply& r) {
        auto bytes = Attribute(r.payload, kAttributes, CTA_TUPLE_ORIG);
        auto back = Attribute(r.payload, kAttributes, CTA_TUPLE_REPLY);
        if (!bytes || !back) return;
        auto original = ParseTuple(*bytes);
        auto reply = ParseTuple(*back);
        if (original && reply && original->protocol == IPPROTO_UDP && matches(*original, *reply))
          tuples.emplace_back(*bytes);
      }));
  for (const std::string& tuple : tuples) {
    NetlinkMessage m = Message("forget a tracked flow", IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
    m.Bytes(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple).Accept(ENOENT);  // it may have ended by itself
    TRY(socket.Run(std::move(m)));
  }
  return OkStatus();
}

}  // namespace

Status ForgetUdpFlows(int host_net, const std::vector<PortMapping>& ports) {
  bool any = std::any_of(ports.begin(), ports.end(),
                         [](const PortMapping& p) { return p.protocol == "udp"; });
  if (!any) return OkStatus();
  return ForgetUdp(host_net, [&](const Tuple& t, const Tuple&) { return CameTo(t, ports); });
}

std::vector<UdpTranslation> UdpTranslationsOf(const std::vector<ServiceRecord>& services) {
  std::vector<UdpTranslation> out;
  for (const ServiceRecord& s : services) {
    for (size_t i = 0; i < s.ports.size(); ++i) {
      if (s.ports[i].protocol != "udp") continue;
      for (const auto* list : {&s.cluster_ips, &s.external_ips}) {
        for (const Address& ip : *list) {
          for (size_t e : UsableEndpoints(s, i, ip.v6(), false))
            out.push_back({ip, s.ports[i].port, s.endpoints[e].ip, s.endpoints[e].ports[i]});
        }
      }
    }
  }
  return out;
}

Status ForgetUdpTranslations(int node_net, const std::vector<UdpTranslation>& translations) {
  if (translations.empty()) return OkStatus();
  return ForgetUdp(node_net, [&](const Tuple& original, const Tuple& reply) {
    UdpTranslation t{Address(original.destination), original.destination_port,
                     Address(reply.source), reply.source_port};
    return std::find(translations.begin(), translations.end(), t) != translations.end();
  });
}

}  // namespace kpod::network
