#include "network/nft_batch.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"

namespace kpod::network {

namespace {

// A message holds a page at most (libnl's default); an element takes about 70 bytes.
constexpr size_t kElementsPerMessage = 24;

NetlinkMessage BatchEnd(uint16_t type) {
  NetlinkMessage m("nftables batch", type, 0);
  nfgenmsg head{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  m.Fixed(head);
  return m;
}

void Data(NetlinkMessage& m, int attribute, std::string_view value) {
  m.Nest(attribute, [&](NetlinkMessage& data) { data.Bytes(NFTA_DATA_VALUE, value); });
}

void PutElement(NetlinkMessage& m, const SetElement& e) {
  Data(m, NFTA_SET_ELEM_KEY, e.key);
  if (!e.key_end.empty()) Data(m, NFTA_SET_ELEM_KEY_END, e.key_end);
  if (!e.data.empty()) Data(m, NFTA_SET_ELEM_DATA, e.data);
  if (e.chain.empty()) return;
  m.Nest(NFTA_SET_ELEM_DATA, [&](NetlinkMessage& data) {
    data.Nest(NFTA_DATA_VERDICT, [&](NetlinkMessage& verdict) {
      verdict.Be32(NFTA_VERDICT_CODE, static_cast<uint32_t>(NFT_GOTO))
          .Text(NFTA_VERDICT_CHAIN, e.chain);
    });
  });
}

}  // namespace

NetlinkMessage NftMessage(std::string what, uint16_t type, uint16_t flags, uint8_t family) {
  NetlinkMessage m(std::move(what), static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags);
  nfgenmsg head{family, NFNETLINK_V0, 0};
  m.Fixed(head);
  return m;
}

NftBatch::NftBatch(uint8_t family) : family_(family) {
  messages_.push_back(BatchEnd(NFNL_MSG_BATCH_BEGIN));
}

NetlinkMessage& NftBatch::Message(std::string what, uint16_t type, uint16_t flags) {
  messages_.push_back(NftMessage(std::move(what), type, flags, family_));
  return messages_.back();
}

NftBatch& NftBatch::AddTable(const std::string& table) {
  Message("add nft table " + table, NFT_MSG_NEWTABLE, NLM_F_ACK | NLM_F_CREATE)
      .Text(NFTA_TABLE_NAME, table);
  return *this;
}

NftBatch& NftBatch::DeleteTable(const std::string& table) {
  Message("remove nft table " + table, NFT_MSG_DELTABLE, NLM_F_ACK).Text(NFTA_TABLE_NAME, table);
  return *this;
}

NftBatch& NftBatch::AddBaseChain(const std::string& table, const std::string& chain,
                                 const std::string& type, uint32_t hook, int32_t priority) {
  Message("add nft chain " + chain, NFT_MSG_NEWCHAIN, NLM_F_ACK | NLM_F_CREATE)
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

NftBatch& NftBatch::AddChain(const std::string& table, const std::string& chain) {
  Message("add nft chain " + chain, NFT_MSG_NEWCHAIN, NLM_F_ACK | NLM_F_CREATE)
      .Text(NFTA_CHAIN_TABLE, table)
      .Text(NFTA_CHAIN_NAME, chain);
  return *this;
}

NftBatch& NftBatch::FlushChain(const std::string& table, const std::string& chain) {
  Message("remove nft rules of " + chain, NFT_MSG_DELRULE, NLM_F_ACK)
      .Text(NFTA_RULE_TABLE, table)
      .Text(NFTA_RULE_CHAIN, chain);
  return *this;
}

NftBatch& NftBatch::AddSet(const std::string& table, const SetSpec& set) {
  bool map = set.data_size > 0 || set.verdicts;
  uint32_t flags = map ? NFT_SET_MAP : 0;
  if (set.dynamic_limit > 0) flags |= NFT_SET_EVAL | NFT_SET_TIMEOUT;
  if (!set.interval_fields.empty()) flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
  NetlinkMessage& m = Message("add nft set " + set.name, NFT_MSG_NEWSET, NLM_F_ACK | NLM_F_CREATE);
  m.Text(NFTA_SET_TABLE, table)
      .Text(NFTA_SET_NAME, set.name)
      .Be32(NFTA_SET_FLAGS, flags)
      .Be32(NFTA_SET_KEY_TYPE, set.key_type)
      .Be32(NFTA_SET_KEY_LEN, set.key_size)
      .Be32(NFTA_SET_ID, static_cast<uint32_t>(messages_.size()));
  if (set.verdicts) {
    m.Be32(NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
  } else if (map) {
    m.Be32(NFTA_SET_DATA_TYPE, set.data_type).Be32(NFTA_SET_DATA_LEN, set.data_size);
  }
  if (set.dynamic_limit > 0 || !set.interval_fields.empty()) {
    m.Nest(NFTA_SET_DESC, [&](NetlinkMessage& desc) {
      if (set.dynamic_limit > 0) desc.Be32(NFTA_SET_DESC_SIZE, set.dynamic_limit);
      if (set.interval_fields.empty()) return;
      desc.Nest(NFTA_SET_DESC_CONCAT, [&](NetlinkMessage& list) {
        for (uint32_t size : set.interval_fields) {
          list.Nest(NFTA_LIST_ELEM,
                    [&](NetlinkMessage& field) { field.Be32(NFTA_SET_FIELD_LEN, size); });
        }
      });
    });
  }
  return *this;
}

NftBatch& NftBatch::PutElements(const std::string& what, uint16_t type, uint16_t flags,
                                const std::string& table, const std::string& set,
                                const std::vector<SetElement>& elements) {
  for (size_t first = 0; first < elements.size(); first += kElementsPerMessage) {
    size_t end = std::min(elements.size(), first + kElementsPerMessage);
    Message(what + set, type, flags)
        .Text(NFTA_SET_ELEM_LIST_TABLE, table)
        .Text(NFTA_SET_ELEM_LIST_SET, set)
        .Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
          for (size_t i = first; i < end; ++i) {
            list.Nest(NFTA_LIST_ELEM, [&](NetlinkMessage& m) { PutElement(m, elements[i]); });
          }
        });
  }
  return *this;
}

NftBatch& NftBatch::AddElements(const std::string& table, const std::string& set,
                                const std::vector<SetElement>& elements) {
  return PutElements("add to nft set ", NFT_MSG_NEWSETELEM, NLM_F_ACK | NLM_F_CREATE, table, set,
                     elements);
}

NftBatch& NftBatch::DeleteElements(const std::string& table, const std::string& set,
                                   const std::vector<SetElement>& elements) {
  return PutElements("remove from nft set ", NFT_MSG_DELSETELEM, NLM_F_ACK, table, set, elements);
}

NftBatch& NftBatch::PutRule(const std::string& table, const std::string& chain,
                            const RuleBuilder& rule, uint16_t flags) {
  Message("add nft rule to " + chain, NFT_MSG_NEWRULE,
          static_cast<uint16_t>(NLM_F_ACK | NLM_F_CREATE | flags))
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
  uint64_t be = __builtin_bswap64(handle);
  Message("remove nft rule of " + chain, NFT_MSG_DELRULE, NLM_F_ACK)
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
