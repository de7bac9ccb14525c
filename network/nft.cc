#include "network/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "network/netlink.h"
#include "network/nft_keys.h"

namespace kpod::network {

namespace {

constexpr const char* kPorts = "ports";
constexpr const char* kPortsOfAddress = "ports_of_address";
constexpr const char* kGuarded = "guarded";
constexpr const char* kAllowed = "allowed";

constexpr uint32_t kAddressType = 7;          // ipv4_addr
constexpr uint32_t kSourceAddress = 12;       // in the IPv4 header
constexpr uint32_t kDestinationAddress = 16;  // in the IPv4 header

// One address: the machine's, or one that somebody routes here (externalIPs of a Service). Which
// protocols have ports need not be asked: the key carries the protocol.
RuleBuilder RedirectOfAddress() {
  RuleBuilder r;
  r.Payload(NFT_PAYLOAD_NETWORK_HEADER, kDestinationAddress, 4, Register(0))
      .Meta(NFT_META_L4PROTO, Register(1))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, 2, Register(2))
      .Lookup(kPortsOfAddress, Register(0), Register(4))
      .DestinationNat(Register(4), Register(5));
  return r;
}

// Only traffic to an address of this machine is a host port's.
RuleBuilder Redirect() {
  RuleBuilder r;
  r.DestinationType(NFT_REG_1)
      .Is(NFT_REG_1, RawBytes<uint32_t>(RTN_LOCAL))
      .Meta(NFT_META_L4PROTO, Register(0))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, 2, Register(1))
      .Lookup(kPorts, Register(0), Register(4))
      .DestinationNat(Register(4), Register(5));
  return r;
}

RuleBuilder& SourceIn(RuleBuilder& rule, const Range& range) {
  return rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, kSourceAddress, 4, NFT_REG_1)
      .Mask(NFT_REG_1, AddressBytes(MaskOf(range)))
      .Is(NFT_REG_1, AddressBytes(range.base));
}

// From the network, 127.0.0.1 is nobody's address: what is published there is for this machine.
RuleBuilder LoopbackFromOutside() {
  RuleBuilder r;
  r.InterfaceIsNot(NFT_META_IIFNAME, "lo")
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, kDestinationAddress, 4, NFT_REG_1)
      .Mask(NFT_REG_1, AddressBytes(0xff000000))
      .Is(NFT_REG_1, AddressBytes(0x7f000000))
      .Verdict(NF_ACCEPT);
  return r;
}

// loadBalancerSourceRanges: clients elsewhere are dropped, the machine itself comes in.
RuleBuilder Guard() {
  RuleBuilder r;
  r.Meta(NFT_META_L4PROTO, Register(0))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, 2, Register(1))
      .In(kGuarded, Register(0))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, kSourceAddress, 4, Register(2))
      .NotIn(kAllowed, Register(0))
      .DestinationType(NFT_REG_1)
      .Is(NFT_REG_1, RawBytes<uint32_t>(RTN_LOCAL))
      .InterfaceIsNot(NFT_META_IIFNAME, "lo")
      .Verdict(NF_DROP);
  return r;
}

void AddSets(const HostTable& t, NftBatch* b) {
  uint32_t key = kProtocolType << 6 | kServiceType;
  uint32_t data = kAddressType << 6 | kServiceType;
  b->AddSet(t.name, {kPorts, key, 2 * kField, data, 2 * kField});
  b->AddSet(t.name, {kPortsOfAddress, kAddressType << 12 | key, 3 * kField, data, 2 * kField});
  b->AddSet(t.name, {kGuarded, key, 2 * kField});
  SetSpec allowed{kAllowed, key << 6 | kAddressType, 3 * kField};
  allowed.interval_fields = {1, 2, 4};
  b->AddSet(t.name, allowed);
}

void AddSourceRanges(const ServiceRecord& s, const std::string& port, HostElements* out) {
  if (s.load_balancer_source_ranges.empty()) return;
  out->guarded[port];
  std::vector<Range> ranges;
  for (const std::string& text : s.load_balancer_source_ranges) {
    if (auto range = ParseRange(Trim(text))) ranges.push_back(*range);
  }
  for (const Range& r : ranges) {
    // The kernel's set takes no ranges within others.
    bool within = std::any_of(ranges.begin(), ranges.end(), [&](const Range& o) {
      return o.prefix < r.prefix && o.Contains(r.base);
    });
    if (!within) out->allowed[port + AddressBytes(r.base)] = port + AddressBytes(r.Last());
  }
}

// externalTrafficPolicy Local, and all that serve it are elsewhere: nobody from outside comes in,
// while the machine itself is sent there.
bool IsShutToOutside(const ServiceRecord& s, size_t port) {
  return s.external_local && UsableEndpoints(s, port, false, true).empty() &&
         !UsableEndpoints(s, port, false, false).empty();
}

void Merge(HostElements* into, const HostElements& more) {
  into->any.insert(more.any.begin(), more.any.end());
  into->one.insert(more.one.begin(), more.one.end());
  into->guarded.insert(more.guarded.begin(), more.guarded.end());
  into->allowed.insert(more.allowed.begin(), more.allowed.end());
}

std::vector<SetElement> Elements(const HostElements::Map& map) {
  std::vector<SetElement> out;
  for (const auto& [key, data] : map) out.push_back({key, data, {}, {}});
  return out;
}

std::vector<SetElement> Ranges(const HostElements::Map& map) {
  std::vector<SetElement> out;
  for (const auto& [first, last] : map) out.push_back({first, {}, {}, last});
  return out;
}

HostElements::Map Without(const HostElements::Map& a, const HostElements::Map& b) {
  HostElements::Map out;
  for (const auto& [key, value] : a) {
    auto it = b.find(key);
    if (it == b.end() || it->second != value) out.emplace(key, value);
  }
  return out;
}

}  // namespace

HostElements ElementsOf(const PodRecord& pod) {
  HostElements e;
  for (const PortMapping& p : pod.ports) {
    std::string key = ProtocolBytes(p.protocol) + PortBytes(p.host_port);
    std::string data = AddressBytes(pod.ip) + PortBytes(p.container_port);
    std::optional<Ipv4> address = ParseIpv4(p.host_ip);
    if (!address || *address == 0) {
      e.any[key] = data;
    } else {
      e.one[AddressBytes(*address) + key] = data;
    }
  }
  return e;
}

HostElements ElementsOf(const std::vector<ServiceRecord>& services) {
  HostElements e;
  for (const ServiceRecord& s : services) {
    auto ip = std::find_if(s.cluster_ips.begin(), s.cluster_ips.end(),
                           [](const Address& a) { return !a.v6(); });
    if (ip == s.cluster_ips.end()) continue;
    for (size_t i = 0; i < s.ports.size(); ++i) {
      const ServicePort& p = s.ports[i];
      bool shut = IsShutToOutside(s, i);
      std::string protocol = ProtocolBytes(p.protocol);
      std::string own = protocol + PortBytes(p.port);
      std::string node = protocol + PortBytes(p.node_port);
      std::string data = ip->Bytes() + PortBytes(p.port);
      if (p.node_port != 0) e.any[node] = data;
      if (p.node_port != 0 && shut) e.guarded[node];
      if (s.on_host) e.any[own] = data;
      if (s.on_host && shut) e.guarded[own];
      if (s.on_host && !shut) AddSourceRanges(s, own, &e);
      if (shut) continue;
      for (const Address& external : s.external_ips) {
        if (!external.v6()) e.one[external.Bytes() + own] = data;
      }
    }
  }
  return e;
}

NftBatch TableBatch(const HostTable& t, bool replace, const std::vector<PodRecord>& pods,
                    const std::vector<ServiceRecord>& services) {
  NftBatch b;
  b.AddTable(t.name);
  // Added first, so that removing it never fails.
  if (replace) b.DeleteTable(t.name).AddTable(t.name);
  AddSets(t, &b);
  b.AddBaseChain(t.name, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
  b.AddBaseChain(t.name, "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
  b.AddBaseChain(t.name, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
  b.AppendRule(t.name, "prerouting", LoopbackFromOutside());
  b.AppendRule(t.name, "prerouting", Guard());
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
  HostElements all = ElementsOf(services);
  for (const PodRecord& pod : pods) Merge(&all, ElementsOf(pod));
  b.AddElements(t.name, kPorts, Elements(all.any))
      .AddElements(t.name, kPortsOfAddress, Elements(all.one))
      .AddElements(t.name, kGuarded, Elements(all.guarded))
      .AddElements(t.name, kAllowed, Ranges(all.allowed));
  return b;
}

NftBatch HostChangeBatch(const HostTable& t, const HostElements& before,
                         const HostElements& after) {
  NftBatch b;
  auto change = [&](const char* set, auto elements, const auto& old_map, const auto& new_map) {
    b.DeleteElements(t.name, set, elements(Without(old_map, new_map)));
    b.AddElements(t.name, set, elements(Without(new_map, old_map)));
  };
  change(kPorts, Elements, before.any, after.any);
  change(kPortsOfAddress, Elements, before.one, after.one);
  change(kGuarded, Elements, before.guarded, after.guarded);
  change(kAllowed, Ranges, before.allowed, after.allowed);
  return b;
}

NftBatch AddPortsBatch(const HostTable& t, const PodRecord& pod) {
  return HostChangeBatch(t, {}, ElementsOf(pod));
}

NftBatch RemovePortsBatch(const HostTable& t, const PodRecord& pod) {
  return HostChangeBatch(t, ElementsOf(pod), {});
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
