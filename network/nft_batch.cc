#include "network/nft_batch.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"

namespace kpod::network {

namespace {

// A message holds a page at most (libnl's default); an element takes about 70 bytes.
constexpr size_t kElementsPerMessage = 24;

std::string InterfaceBytes(const std::string& name) {
  std::string bytes = name.substr(0, IFNAMSIZ - 1);
  bytes.resize(IFNAMSIZ, '\0');
  return bytes;
}

NetlinkMessage BatchEnd(uint16_t type) {
  NetlinkMessage m("nftables batch", type, 0);
  nfgenmsg head{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  m.Fixed(head);
  return m;
}

void Data(NetlinkMessage& m, int attribute, std::string_view value) {
  m.Nest(attribute, [&](NetlinkMessage& data) { data.Bytes(NFTA_DATA_VALUE, value); });
}

}  // namespace

NetlinkMessage NftMessage(std::string what, uint16_t type, uint16_t flags) {
  NetlinkMessage m(std::move(what), static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags);
  nfgenmsg head{AF_INET, NFNETLINK_V0, 0};
  m.Fixed(head);
  return m;
}

// ---- rules

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

RuleBuilder& RuleBuilder::DestinationNat(uint32_t address, uint32_t port) {
  return Add("nat", [=](NetlinkMessage& m) {
    m.Be32(NFTA_NAT_TYPE, NFT_NAT_DNAT)
        .Be32(NFTA_NAT_FAMILY, AF_INET)
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

RuleBuilder& RuleBuilder::Comment(std::string text) {
  comment_ = std::move(text);
  return *this;
}

// ---- the batch

NftBatch::NftBatch() { messages_.push_back(BatchEnd(NFNL_MSG_BATCH_BEGIN)); }

NftBatch& NftBatch::AddTable(const std::string& table) {
  messages_.push_back(
      NftMessage("add nft table " + table, NFT_MSG_NEWTABLE, NLM_F_ACK | NLM_F_CREATE));
  messages_.back().Text(NFTA_TABLE_NAME, table);
  return *this;
}

NftBatch& NftBatch::DeleteTable(const std::string& table) {
  messages_.push_back(NftMessage("remove nft table " + table, NFT_MSG_DELTABLE, NLM_F_ACK));
  messages_.back().Text(NFTA_TABLE_NAME, table);
  return *this;
}

NftBatch& NftBatch::AddBaseChain(const std::string& table, const std::string& chain,
                                 const std::string& type, uint32_t hook, int32_t priority) {
  messages_.push_back(
      NftMessage("add nft chain " + chain, NFT_MSG_NEWCHAIN, NLM_F_ACK | NLM_F_CREATE));
  messages_.back()
      .Text(NFTA_CHAIN_TABLE, table)
      .Text(NFTA_CHAIN_NAME, chain)
      .Nest(NFTA_CHAIN_HOOK,
            [&](NetlinkMessage& m) {
              m.Be32(NFTA_HOOK_HOOKNUM, hook)
                  .Be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(priority));
            })
      .Be32(NFTA_CHAIN_POLICY, NF_ACCEPT)
      .Text(NFTA_CHAIN_TYPE, type);
  return *this;
}

NftBatch& NftBatch::AddMap(const std::string& table, const MapSpec& map) {
  messages_.push_back(
      NftMessage("add nft map " + map.name, NFT_MSG_NEWSET, NLM_F_ACK | NLM_F_CREATE));
  messages_.back()
      .Text(NFTA_SET_TABLE, table)
      .Text(NFTA_SET_NAME, map.name)
      .Be32(NFTA_SET_FLAGS, NFT_SET_MAP)
      .Be32(NFTA_SET_KEY_TYPE, map.key_type)
      .Be32(NFTA_SET_KEY_LEN, map.key_size)
      .Be32(NFTA_SET_DATA_TYPE, map.data_type)
      .Be32(NFTA_SET_DATA_LEN, map.data_size)
      .Be32(NFTA_SET_ID, static_cast<uint32_t>(messages_.size()));
  return *this;
}

NftBatch& NftBatch::PutElements(const std::string& what, uint16_t type, uint16_t flags,
                                const std::string& table, const std::string& map,
                                const std::vector<MapElement>& elements) {
  for (size_t first = 0; first < elements.size(); first += kElementsPerMessage) {
    size_t end = std::min(elements.size(), first + kElementsPerMessage);
    messages_.push_back(NftMessage(what + map, type, flags));
    messages_.back()
        .Text(NFTA_SET_ELEM_LIST_TABLE, table)
        .Text(NFTA_SET_ELEM_LIST_SET, map)
        .Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
          for (size_t i = first; i < end; ++i) {
            list.Nest(NFTA_LIST_ELEM, [&](NetlinkMessage& m) {
              Data(m, NFTA_SET_ELEM_KEY, elements[i].key);
              Data(m, NFTA_SET_ELEM_DATA, elements[i].data);
            });
          }
        });
  }
  return *this;
}

NftBatch& NftBatch::AddElements(const std::string& table, const std::string& map,
                                const std::vector<MapElement>& elements) {
  return PutElements("add to nft map ", NFT_MSG_NEWSETELEM, NLM_F_ACK | NLM_F_CREATE, table, map,
                     elements);
}

NftBatch& NftBatch::DeleteElements(const std::string& table, const std::string& map,
                                   const std::vector<MapElement>& elements) {
  return PutElements("remove from nft map ", NFT_MSG_DELSETELEM, NLM_F_ACK, table, map, elements);
}

NftBatch& NftBatch::PutRule(const std::string& table, const std::string& chain,
                            const RuleBuilder& rule, uint16_t flags) {
  messages_.push_back(NftMessage("add nft rule to " + chain, NFT_MSG_NEWRULE,
                                 static_cast<uint16_t>(NLM_F_ACK | NLM_F_CREATE | flags)));
  messages_.back()
      .Text(NFTA_RULE_TABLE, table)
      .Text(NFTA_RULE_CHAIN, chain)
      .Nest(NFTA_RULE_EXPRESSIONS, [&](NetlinkMessage& list) {
        for (const RuleBuilder::Expression& e : rule.expressions_) {
          list.Nest(NFTA_LIST_ELEM, [&](NetlinkMessage& m) {
            m.Text(NFTA_EXPR_NAME, e.name).Nest(NFTA_EXPR_DATA, e.data);
          });
        }
      });
  if (!rule.comment_.empty()) {
    // One type-length-value, type 0 being the comment: how nft and iptables-nft keep it.
    std::string text = rule.comment_.substr(0, 127);
    std::string tlv{'\0', static_cast<char>(text.size() + 1)};
    messages_.back().Bytes(NFTA_RULE_USERDATA, tlv + text + '\0');
  }
  return *this;
}

NftBatch& NftBatch::AppendRule(const std::string& table, const std::string& chain,
                               const RuleBuilder& rule) {
  return PutRule(table, chain, rule, NLM_F_APPEND);
}

NftBatch& NftBatch::InsertRule(const std::string& table, const std::string& chain,
                               const RuleBuilder& rule) {
  return PutRule(table, chain, rule, 0);
}

NftBatch& NftBatch::DeleteRule(const std::string& table, const std::string& chain,
                               uint64_t handle) {
  messages_.push_back(NftMessage("remove nft rule of " + chain, NFT_MSG_DELRULE, NLM_F_ACK));
  uint64_t be = __builtin_bswap64(handle);
  messages_.back()
      .Text(NFTA_RULE_TABLE, table)
      .Text(NFTA_RULE_CHAIN, chain)
      .Bytes(NFTA_RULE_HANDLE, {reinterpret_cast<const char*>(&be), sizeof(be)});
  return *this;
}

std::vector<NetlinkMessage> NftBatch::Finish() && {
  messages_.push_back(BatchEnd(NFNL_MSG_BATCH_END));
  return std::move(messages_);
}

Status NftBatch::Run(int netns_fd) && {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  socket.EnlargeBuffers();
  std::vector<NetlinkMessage> messages = std::move(*this).Finish();
  return socket.Run(messages);
}

}  // namespace kpod::network
