#include "network/service_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <set>

#include "base/text.h"
#include "network/nft_keys.h"

namespace kpod::network {

namespace {

constexpr const char* kServices = "services";
constexpr const char* kEndpoints = "endpoints";
constexpr const char* kMembers = "members";
constexpr const char* kAffinity = "affinity";
constexpr const char* kHairpin = "hairpin";
constexpr const char* kIgnored = "ignored";
constexpr const char* kRefuse = "refuse";
constexpr uint32_t kMostClients = 65536;  // with affinity; who comes later has none
// After the translation (the kernel's NF_IP_PRI_NAT_DST is -100, but forwarding comes later anyway)
// and before what others may filter.
constexpr int32_t kRefusePriority = -110;

// Where the fields of a key lie: client, address, protocol, port, index, and what was found.
struct Registers {
  explicit Registers(const PacketLayout& layout)
      : client(Register(0)),
        address(client + layout.words),
        protocol(address + layout.words),
        port(protocol + 1),
        index(port + 1),
        picked(index + 1),
        picked_port(picked + layout.words),
        known(index),  // where the index would be: members' keys go on with it
        known_port(known + layout.words) {}
  uint32_t client, address, protocol, port, index, picked, picked_port, known, known_port;
};

class Rules {
 public:
  explicit Rules(bool v6) : layout_(LayoutOf(v6)), at_(layout_) {}
  const PacketLayout& layout() const { return layout_; }

  RuleBuilder Key() const {
    RuleBuilder r;
    r.Payload(NFT_PAYLOAD_NETWORK_HEADER, layout_.destination, layout_.size(), at_.address)
        .Meta(NFT_META_L4PROTO, at_.protocol)
        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, 2, at_.port);
    return r;
  }
  RuleBuilder ClientKey() const {
    RuleBuilder r = Key();
    r.Payload(NFT_PAYLOAD_NETWORK_HEADER, layout_.source, layout_.size(), at_.client);
    return r;
  }
  RuleBuilder Serve() const {
    RuleBuilder r = Key();
    r.VerdictOf(kServices, at_.address);
    return r;
  }
  RuleBuilder PickAny(uint32_t count) const {
    RuleBuilder r = Key();
    r.Random(count, at_.index).Lookup(kEndpoints, at_.address, at_.picked);
    Translate(r, at_.picked, at_.picked_port);
    return r;
  }
  // The number of endpoints and the endpoints are looked up one after the other: a change between
  // the two may have taken the last one away. The first one is there as long as any is.
  RuleBuilder PickFirst() const {
    RuleBuilder r = Key();
    r.Immediate(at_.index, NumberBytes(0)).Lookup(kEndpoints, at_.address, at_.picked);
    Translate(r, at_.picked, at_.picked_port);
    return r;
  }
  RuleBuilder ComeBack(uint64_t milliseconds) const {
    RuleBuilder r = ClientKey();
    r.Lookup(kAffinity, at_.client, at_.known)
        .In(kMembers, at_.address)
        .Remember(kAffinity, at_.client, at_.known, milliseconds);
    Translate(r, at_.known, at_.known_port);
    return r;
  }
  RuleBuilder ForgetClient() const {
    RuleBuilder r = ClientKey();
    r.Forget(kAffinity, at_.client, at_.client);
    return r;
  }
  RuleBuilder PickAndRemember(uint32_t count, uint64_t milliseconds) const {
    RuleBuilder r = ClientKey();
    r.Random(count, at_.index)
        .Lookup(kEndpoints, at_.address, at_.picked)
        .Remember(kAffinity, at_.client, at_.picked, milliseconds);
    Translate(r, at_.picked, at_.picked_port);
    return r;
  }
  RuleBuilder Hairpin() const {
    RuleBuilder r;
    r.Payload(NFT_PAYLOAD_NETWORK_HEADER, layout_.source, layout_.size(), at_.client)
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, layout_.destination, layout_.size(), at_.address)
        .In(kHairpin, at_.client)
        .Masquerade();
    return r;
  }
  RuleBuilder Ignore() const {
    RuleBuilder r = Key();
    r.In(kIgnored, at_.address).Verdict(NF_DROP);
    return r;
  }

 private:
  void Translate(RuleBuilder& r, uint32_t address, uint32_t port) const {
    r.DestinationNat(address, port, layout_.family);
  }

  const PacketLayout& layout_;
  Registers at_;
};

std::string KeyOf(const Address& ip, const ServicePort& port) {
  return ip.Bytes() + ProtocolBytes(port.protocol) + PortBytes(port.port);
}

void AddPort(const ServiceRecord& s, size_t index, const Address& ip, bool local_only,
             ServiceElements* out) {
  std::string key = KeyOf(ip, s.ports[index]);
  std::vector<size_t> usable = UsableEndpoints(s, index, ip.v6(), local_only);
  if (usable.empty()) {
    if (local_only && !UsableEndpoints(s, index, ip.v6(), false).empty()) out->ignored[key];
    return;
  }
  Picker picker{static_cast<uint32_t>(usable.size()), static_cast<uint32_t>(s.affinity_seconds)};
  out->services[key] = picker;
  for (uint32_t i = 0; i < usable.size(); ++i) {
    const Endpoint& e = s.endpoints[usable[i]];
    std::string address = e.ip.Bytes();
    std::string data = address + PortBytes(e.ports[index]);
    out->endpoints[key + NumberBytes(i)] = data;
    if (picker.seconds > 0) out->members[key + data];
    out->hairpin[address + address];
  }
}

void AddSets(const NodeTable& t, const PacketLayout& layout, NftBatch* b) {
  uint32_t address = layout.size();
  uint32_t key_type = layout.address_type << 12 | kProtocolType << 6 | kServiceType;
  uint32_t key_size = address + 2 * kField;
  uint32_t data_type = layout.address_type << 6 | kServiceType;
  uint32_t data_size = address + kField;
  SetSpec services{kServices, key_type, key_size, 0, 0};
  services.verdicts = true;
  b->AddSet(t.name, services);
  b->AddSet(t.name,
            {kEndpoints, key_type << 6 | kMarkType, key_size + kField, data_type, data_size});
  b->AddSet(t.name, {kMembers, key_type << 12 | data_type, key_size + data_size});
  SetSpec affinity{kAffinity, layout.address_type << 18 | key_type, address + key_size, data_type,
                   data_size};
  affinity.dynamic_limit = kMostClients;
  b->AddSet(t.name, affinity);
  b->AddSet(t.name, {kHairpin, layout.address_type << 6 | layout.address_type, 2 * address});
  b->AddSet(t.name, {kIgnored, key_type, key_size});
}

void AddPicker(const NodeTable& t, const Picker& p, NftBatch* b) {
  Rules rules(t.v6);
  std::string chain = p.Chain();
  // A killed process may have left it: as it is, or with the rules of now.
  b->AddChain(t.name, chain).FlushChain(t.name, chain);
  if (p.seconds > 0) {
    uint64_t milliseconds = uint64_t{p.seconds} * 1000;
    b->AppendRule(t.name, chain, rules.ComeBack(milliseconds));
    b->AppendRule(t.name, chain, rules.ForgetClient());
    b->AppendRule(t.name, chain, rules.PickAndRemember(p.count, milliseconds));
  }
  b->AppendRule(t.name, chain, rules.PickAny(p.count));
  b->AppendRule(t.name, chain, rules.PickFirst());
}

void AddRefusal(const NodeTable& t, const Rules& rules, NftBatch* b) {
  const PacketLayout& layout = rules.layout();
  b->AddChain(t.name, kRefuse);
  b->AppendRule(t.name, kRefuse, rules.Ignore());
  RuleBuilder reset;
  reset.Meta(NFT_META_L4PROTO, NFT_REG_1)
      .Is(NFT_REG_1, std::string(1, static_cast<char>(IPPROTO_TCP)))
      .RejectByReset();
  RuleBuilder unreachable;
  unreachable.RejectByIcmp(t.v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_UNREACH_PORT);
  b->AppendRule(t.name, kRefuse, reset).AppendRule(t.name, kRefuse, unreachable);
  b->AddBaseChain(t.name, "forward", "filter", NF_INET_FORWARD, kRefusePriority);
  RuleBuilder untranslated;
  untranslated.Payload(NFT_PAYLOAD_NETWORK_HEADER, layout.destination, layout.size(), NFT_REG_1)
      .Mask(NFT_REG_1, t.range_mask)
      .Is(NFT_REG_1, t.range_base)
      .Goto(kRefuse);
  b->AppendRule(t.name, "forward", untranslated);
}

std::vector<SetElement> Elements(const ServiceElements::Map& map) {
  std::vector<SetElement> out;
  for (const auto& [key, data] : map) out.push_back({key, data, {}, {}});
  return out;
}

std::vector<SetElement> Elements(const std::map<std::string, Picker>& map) {
  std::vector<SetElement> out;
  for (const auto& [key, picker] : map) out.push_back({key, {}, picker.Chain(), {}});
  return out;
}

// What is in `a` and not, or otherwise, in `b`.
template <class M>
M Without(const M& a, const M& b) {
  M out;
  for (const auto& [key, value] : a) {
    auto it = b.find(key);
    if (it == b.end() || it->second != value) out.emplace(key, value);
  }
  return out;
}

std::vector<SetElement> KeysOnly(std::vector<SetElement> elements) {
  for (SetElement& e : elements) e = {e.key, {}, {}, {}};
  return elements;
}

std::set<Picker> PickersOf(const ServiceElements& e) {
  std::set<Picker> out;
  for (const auto& [key, picker] : e.services) out.insert(picker);
  return out;
}

}  // namespace

std::string Picker::Chain() const {
  return seconds == 0 ? StrCat("pick-", count) : StrCat("stick-", count, "-", seconds);
}

ServiceElements ServiceElementsOf(const std::vector<ServiceRecord>& services, bool v6) {
  ServiceElements out;
  for (const ServiceRecord& s : services) {
    for (size_t i = 0; i < s.ports.size(); ++i) {
      for (const Address& ip : s.cluster_ips) {
        if (ip.v6() == v6) AddPort(s, i, ip, s.internal_local, &out);
      }
      if (s.cluster_ips.empty()) continue;
      for (const Address& ip : s.external_ips) {
        if (ip.v6() == v6) AddPort(s, i, ip, s.external_local, &out);
      }
    }
  }
  return out;
}

NftBatch NodeTableBatch(const NodeTable& t, const ServiceElements& elements) {
  Rules rules(t.v6);
  NftBatch b(rules.layout().family);
  // Added first, so that removing it never fails.
  b.AddTable(t.name).DeleteTable(t.name).AddTable(t.name);
  AddSets(t, rules.layout(), &b);
  b.AddBaseChain(t.name, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
  b.AppendRule(t.name, "prerouting", rules.Serve());
  b.AddBaseChain(t.name, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
  // An endpoint would answer itself directly, past the translation. So would the host, when it is
  // both the client and, by its own address, the endpoint.
  b.AppendRule(t.name, "postrouting", rules.Hairpin());
  RuleBuilder through;
  through.InterfaceIs(NFT_META_IIFNAME, t.uplink)
      .InterfaceIs(NFT_META_OIFNAME, t.uplink)
      .Masquerade();
  b.AppendRule(t.name, "postrouting", through);
  AddRefusal(t, rules, &b);
  for (const Picker& p : PickersOf(elements)) AddPicker(t, p, &b);
  b.AddElements(t.name, kEndpoints, Elements(elements.endpoints))
      .AddElements(t.name, kServices, Elements(elements.services))
      .AddElements(t.name, kMembers, Elements(elements.members))
      .AddElements(t.name, kHairpin, Elements(elements.hairpin))
      .AddElements(t.name, kIgnored, Elements(elements.ignored));
  return b;
}

NftBatch DeleteNodeTableBatch(const NodeTable& t) {
  NftBatch b(LayoutOf(t.v6).family);
  b.AddTable(t.name).DeleteTable(t.name);
  return b;
}

NftBatch ServiceChangeBatch(const NodeTable& t, const ServiceElements& before,
                            const ServiceElements& after) {
  NftBatch b(LayoutOf(t.v6).family);
  std::set<Picker> there = PickersOf(before);
  for (const Picker& p : PickersOf(after)) {
    if (!there.contains(p)) AddPicker(t, p, &b);
  }
  auto change = [&](const char* set, const auto& old_map, const auto& new_map) {
    b.DeleteElements(t.name, set, KeysOnly(Elements(Without(old_map, new_map))));
    b.AddElements(t.name, set, Elements(Without(new_map, old_map)));
  };
  change(kEndpoints, before.endpoints, after.endpoints);
  change(kServices, before.services, after.services);
  change(kMembers, before.members, after.members);
  change(kHairpin, before.hairpin, after.hairpin);
  change(kIgnored, before.ignored, after.ignored);
  return b;
}

}  // namespace kpod::network
