#include "network/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/text.h"
#include "network/netlink.h"

namespace kpod::network {

namespace {

constexpr const char* kPorts = "ports";
constexpr const char* kPortsOfAddress = "ports_of_address";

// nft's numbers of the types, for `nft list` only: ipv4_addr 7, inet_proto 12, inet_service 13.
constexpr uint32_t kAddressType = 7;
constexpr uint32_t kProtocolType = 12;
constexpr uint32_t kServiceType = 13;
constexpr uint32_t kField = 4;  // each field of a key is padded to a register

constexpr uint32_t kDestinationPort = 2;      // in the headers of TCP, UDP and SCTP alike
constexpr uint32_t kSourceAddress = 12;       // in the IPv4 header
constexpr uint32_t kDestinationAddress = 16;  // in the IPv4 header

template <class T>
std::string Raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string AddressBytes(Ipv4 ip) { return Raw(htonl(ip)); }
std::string PortBytes(uint16_t port) { return Raw(htons(port)) + std::string(2, '\0'); }
std::string ProtocolBytes(const std::string& name) {
  char number = IPPROTO_TCP;
  if (name == "udp") number = static_cast<char>(IPPROTO_UDP);
  if (name == "sctp") number = static_cast<char>(IPPROTO_SCTP);
  return number + std::string(3, '\0');
}

// Only traffic to an address of this machine is a host port's. Which protocols have ports need not
// be asked: the key carries the protocol.
RuleBuilder RedirectOfAddress() {
  RuleBuilder r;
  r.DestinationType(NFT_REG_1)
      .Is(NFT_REG_1, Raw<uint32_t>(RTN_LOCAL))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, kDestinationAddress, 4, Register(0))
      .Meta(NFT_META_L4PROTO, Register(1))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, Register(2))
      .Lookup(kPortsOfAddress, Register(0), Register(4))
      .DestinationNat(Register(4), Register(5));
  return r;
}

RuleBuilder Redirect() {
  RuleBuilder r;
  r.DestinationType(NFT_REG_1)
      .Is(NFT_REG_1, Raw<uint32_t>(RTN_LOCAL))
      .Meta(NFT_META_L4PROTO, Register(0))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, Register(1))
      .Lookup(kPorts, Register(0), Register(4))
      .DestinationNat(Register(4), Register(5));
  return r;
}

RuleBuilder& SourceIn(RuleBuilder& rule, const Range& range) {
  uint32_t mask = range.prefix == 0 ? 0 : ~0U << (32 - range.prefix);
  return rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, kSourceAddress, 4, NFT_REG_1)
      .Mask(NFT_REG_1, AddressBytes(mask))
      .Is(NFT_REG_1, AddressBytes(range.base));
}

}  // namespace

PortElements ElementsOf(const PodRecord& pod) {
  PortElements e;
  for (const PortMapping& p : pod.ports) {
    std::string key = ProtocolBytes(p.protocol) + PortBytes(p.host_port);
    std::string data = AddressBytes(pod.ip) + PortBytes(p.container_port);
    std::optional<Ipv4> address = ParseIpv4(p.host_ip);
    if (!address || *address == 0) {
      e.any.push_back({key, data});
    } else {
      e.one.push_back({AddressBytes(*address) + key, data});
    }
  }
  return e;
}

NftBatch TableBatch(const HostTable& t, const std::vector<PodRecord>& pods) {
  NftBatch b;
  // Added first, so that removing it never fails.
  b.AddTable(t.name).DeleteTable(t.name).AddTable(t.name);
  uint32_t key = kProtocolType << 6 | kServiceType;
  uint32_t data = kAddressType << 6 | kServiceType;
  b.AddMap(t.name, {kPorts, key, 2 * kField, data, 2 * kField});
  b.AddMap(t.name, {kPortsOfAddress, kAddressType << 12 | key, 3 * kField, data, 2 * kField});
  b.AddBaseChain(t.name, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
  b.AddBaseChain(t.name, "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
  b.AddBaseChain(t.name, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
  for (const char* chain : {"prerouting", "output"}) {
    b.AppendRule(t.name, chain, RedirectOfAddress());  // the more exact one first
    b.AppendRule(t.name, chain, Redirect());
  }
  RuleBuilder loopback;  // a client on 127.0.0.1 has no address that a pod could answer to
  loopback.InterfaceIs(NFT_META_OIFNAME, t.uplink);
  SourceIn(loopback, {0x7f000000, 8}).Masquerade();
  RuleBuilder hairpin;  // a pod that came to a host port is answered through the host, or the
                        // translation is not undone
  hairpin.InterfaceIs(NFT_META_IIFNAME, t.uplink)
      .InterfaceIs(NFT_META_OIFNAME, t.uplink)
      .Masquerade();
  RuleBuilder egress;
  SourceIn(egress, t.config.pods).InterfaceIsNot(NFT_META_OIFNAME, t.uplink).Masquerade();
  b.AppendRule(t.name, "postrouting", loopback);
  b.AppendRule(t.name, "postrouting", hairpin);
  b.AppendRule(t.name, "postrouting", egress);
  PortElements all;
  for (const PodRecord& pod : pods) {
    PortElements e = ElementsOf(pod);
    all.any.insert(all.any.end(), e.any.begin(), e.any.end());
    all.one.insert(all.one.end(), e.one.begin(), e.one.end());
  }
  b.AddElements(t.name, kPorts, all.any).AddElements(t.name, kPortsOfAddress, all.one);
  return b;
}

NftBatch AddPortsBatch(const HostTable& t, const PodRecord& pod) {
  PortElements e = ElementsOf(pod);
  NftBatch b;
  b.AddElements(t.name, kPorts, e.any).AddElements(t.name, kPortsOfAddress, e.one);
  return b;
}

NftBatch RemovePortsBatch(const HostTable& t, const PodRecord& pod) {
  PortElements e = ElementsOf(pod);
  NftBatch b;
  b.DeleteElements(t.name, kPorts, e.any).DeleteElements(t.name, kPortsOfAddress, e.one);
  return b;
}

NftBatch DeleteTableBatch(const HostTable& t) {
  NftBatch b;
  b.AddTable(t.name).DeleteTable(t.name);
  return b;
}

Result<bool> TableExists(int netns_fd, const std::string& name) {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  NetlinkMessage ask = NftMessage("look for the nft table " + name, NFT_MSG_GETTABLE, 0);
  ask.Text(NFTA_TABLE_NAME, name);
  bool found = false;
  Status asked = socket.Query(std::move(ask), [&](const NetlinkReply& r) {
    found = found || r.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
  });
  if (!asked && asked.error().code() != ENOENT) return std::move(asked.error());
  return found;
}

}  // namespace kpod::network
