#include "network/nft_rule.h"

#include <net/if.h>
#include <sys/socket.h>

namespace kpod::network {

namespace {

std::string InterfaceBytes(const std::string& name) {
  std::string bytes = name.substr(0, IFNAMSIZ - 1);
  bytes.resize(IFNAMSIZ, '\0');
  return bytes;
}

void Data(NetlinkMessage& m, int attribute, std::string_view value) {
  m.Nest(attribute, [&](NetlinkMessage& data) { data.Bytes(NFTA_DATA_VALUE, value); });
}

}  // namespace

const PacketLayout& LayoutOf(bool v6) {
  // Types as nft(8) numbers them: ipv4_addr 7, ipv6_addr 8.
  static const PacketLayout kV4{AF_INET, 1, 12, 16, 7};
  static const PacketLayout kV6{AF_INET6, 4, 8, 24, 8};
  return v6 ? kV6 : kV4;
}

RuleBuilder& RuleBuilder::Add(const char* name, std::function<void(NetlinkMessage&)> data) {
  expressions_.push_back({name, std::move(data)});
  return *this;
}

RuleBuilder& RuleBuilder::Meta(uint32_t key, uint32_t to) {
  return Add("meta",
             [=](NetlinkMessage& m) { m.Be32(NFTA_META_KEY, key).Be32(NFTA_META_DREG, to); });
}

RuleBuilder& RuleBuilder::Payload(uint32_t header, uint32_t offset, uint32_t size, uint32_t to) {
  return Add("payload", [=](NetlinkMessage& m) {
    m.Be32(NFTA_PAYLOAD_DREG, to)
        .Be32(NFTA_PAYLOAD_BASE, header)
        .Be32(NFTA_PAYLOAD_OFFSET, offset)
        .Be32(NFTA_PAYLOAD_LEN, size);
  });
}

RuleBuilder& RuleBuilder::DestinationType(uint32_t to) {
  return Add("fib", [=](NetlinkMessage& m) {
    m.Be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR)
        .Be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE)
        .Be32(NFTA_FIB_DREG, to);
  });
}

RuleBuilder& RuleBuilder::Mask(uint32_t reg, std::string_view mask) {
  return Add("bitwise", [=, mask = std::string(mask)](NetlinkMessage& m) {
    m.Be32(NFTA_BITWISE_SREG, reg)
        .Be32(NFTA_BITWISE_DREG, reg)
        .Be32(NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
    Data(m, NFTA_BITWISE_MASK, mask);
    Data(m, NFTA_BITWISE_XOR, std::string(mask.size(), '\0'));
  });
}

RuleBuilder& RuleBuilder::Compare(uint32_t reg, uint32_t op, std::string_view value) {
  return Add("cmp", [=, value = std::string(value)](NetlinkMessage& m) {
    m.Be32(NFTA_CMP_SREG, reg).Be32(NFTA_CMP_OP, op);
    Data(m, NFTA_CMP_DATA, value);
  });
}

RuleBuilder& RuleBuilder::Is(uint32_t reg, std::string_view value) {
  return Compare(reg, NFT_CMP_EQ, value);
}

RuleBuilder& RuleBuilder::IsNot(uint32_t reg, std::string_view value) {
  return Compare(reg, NFT_CMP_NEQ, value);
}

RuleBuilder& RuleBuilder::InterfaceIs(uint32_t meta_key, const std::string& name) {
  return Meta(meta_key, NFT_REG_1).Is(NFT_REG_1, InterfaceBytes(name));
}

RuleBuilder& RuleBuilder::InterfaceIsNot(uint32_t meta_key, const std::string& name) {
  return Meta(meta_key, NFT_REG_1).IsNot(NFT_REG_1, InterfaceBytes(name));
}

RuleBuilder& RuleBuilder::Lookup(const std::string& map, uint32_t key, uint32_t to) {
  return Add("lookup", [=](NetlinkMessage& m) {
    m.Text(NFTA_LOOKUP_SET, map).Be32(NFTA_LOOKUP_SREG, key).Be32(NFTA_LOOKUP_DREG, to);
  });
}

RuleBuilder& RuleBuilder::In(const std::string& set, uint32_t key) {
  return Add("lookup",
             [=](NetlinkMessage& m) { m.Text(NFTA_LOOKUP_SET, set).Be32(NFTA_LOOKUP_SREG, key); });
}

RuleBuilder& RuleBuilder::NotIn(const std::string& set, uint32_t key) {
  return Add("lookup", [=](NetlinkMessage& m) {
    m.Text(NFTA_LOOKUP_SET, set)
        .Be32(NFTA_LOOKUP_SREG, key)
        .Be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  });
}

RuleBuilder& RuleBuilder::VerdictOf(const std::string& map, uint32_t key) {
  return Lookup(map, key, NFT_REG_VERDICT);
}

RuleBuilder& RuleBuilder::Immediate(uint32_t to, std::string_view bytes) {
  return Add("immediate", [=, bytes = std::string(bytes)](NetlinkMessage& m) {
    m.Be32(NFTA_IMMEDIATE_DREG, to);
    Data(m, NFTA_IMMEDIATE_DATA, bytes);
  });
}

RuleBuilder& RuleBuilder::Random(uint32_t modulus, uint32_t to) {
  return Add("numgen", [=](NetlinkMessage& m) {
    m.Be32(NFTA_NG_DREG, to).Be32(NFTA_NG_MODULUS, modulus).Be32(NFTA_NG_TYPE, NFT_NG_RANDOM);
  });
}

RuleBuilder& RuleBuilder::Remember(const std::string& map, uint32_t key, uint32_t data,
                                   uint64_t milliseconds) {
  return Add("dynset", [=](NetlinkMessage& m) {
    uint64_t be = __builtin_bswap64(milliseconds);
    m.Text(NFTA_DYNSET_SET_NAME, map)
        .Be32(NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE)
        .Be32(NFTA_DYNSET_SREG_KEY, key)
        .Be32(NFTA_DYNSET_SREG_DATA, data)
        .Bytes(NFTA_DYNSET_TIMEOUT, {reinterpret_cast<const char*>(&be), sizeof(be)});
  });
}

RuleBuilder& RuleBuilder::Forget(const std::string& map, uint32_t key, uint32_t data) {
  return Add("dynset", [=](NetlinkMessage& m) {
    m.Text(NFTA_DYNSET_SET_NAME, map)
        .Be32(NFTA_DYNSET_OP, NFT_DYNSET_OP_DELETE)
        .Be32(NFTA_DYNSET_SREG_KEY, key)
        .Be32(NFTA_DYNSET_SREG_DATA, data);
  });
}

RuleBuilder& RuleBuilder::DestinationNat(uint32_t address, uint32_t port, uint8_t family) {
  return Add("nat", [=](NetlinkMessage& m) {
    m.Be32(NFTA_NAT_TYPE, NFT_NAT_DNAT)
        .Be32(NFTA_NAT_FAMILY, family)
        .Be32(NFTA_NAT_REG_ADDR_MIN, address)
        .Be32(NFTA_NAT_REG_PROTO_MIN, port);
  });
}

RuleBuilder& RuleBuilder::Masquerade() {
  return Add("masq", [](NetlinkMessage&) {});
}

RuleBuilder& RuleBuilder::Verdict(int verdict) {
  return Add("immediate", [=](NetlinkMessage& m) {
    m.Be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    m.Nest(NFTA_IMMEDIATE_DATA, [&](NetlinkMessage& data) {
      data.Nest(NFTA_DATA_VERDICT, [&](NetlinkMessage& v) {
        v.Be32(NFTA_VERDICT_CODE, static_cast<uint32_t>(verdict));
      });
    });
  });
}

RuleBuilder& RuleBuilder::Goto(const std::string& chain) {
  return Add("immediate", [=](NetlinkMessage& m) {
    m.Be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    m.Nest(NFTA_IMMEDIATE_DATA, [&](NetlinkMessage& data) {
      data.Nest(NFTA_DATA_VERDICT, [&](NetlinkMessage& v) {
        v.Be32(NFTA_VERDICT_CODE, static_cast<uint32_t>(NFT_GOTO)).Text(NFTA_VERDICT_CHAIN, chain);
      });
    });
  });
}

RuleBuilder& RuleBuilder::Reject(uint32_t type, uint8_t code) {
  return Add("reject", [=](NetlinkMessage& m) {
    m.Be32(NFTA_REJECT_TYPE, type).U8(NFTA_REJECT_ICMP_CODE, code);
  });
}

RuleBuilder& RuleBuilder::RejectByReset() { return Reject(NFT_REJECT_TCP_RST, 0); }

RuleBuilder& RuleBuilder::RejectByIcmp(uint8_t code) {
  return Reject(NFT_REJECT_ICMP_UNREACH, code);
}

RuleBuilder& RuleBuilder::Comment(std::string text) {
  comment_ = std::move(text);
  return *this;
}

}  // namespace kpod::network
