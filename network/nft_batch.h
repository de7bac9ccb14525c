// The batch of nf_tables messages (linux/netfilter/nf_tables.h) that is carried out as one
// transaction. Building is pure. Integers are in network byte order, as nfnetlink wants them.
#pragma once

#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/netlink.h"
#include "network/nft_rule.h"

namespace kpod::network {

// A set, or a map with `data_size` or `verdicts`. Types are nft(8)'s numbers, six bits a field, for
// `nft list` only; sizes are in bytes, each field of a key padded to a register.
struct SetSpec {
  std::string name;
  uint32_t key_type = 0, key_size = 0;
  uint32_t data_type = 0, data_size = 0;
  bool verdicts = false;                       // its data is where to go
  uint32_t dynamic_limit = 0;                  // rules add elements, at most so many, which expire
  std::vector<uint32_t> interval_fields = {};  // elements are ranges; the sizes of the key's fields
};
struct SetElement {
  std::string key = {};
  std::string data = {};     // of a map
  std::string chain = {};    // of a map of verdicts: goto this one
  std::string key_end = {};  // of a range: the last key, field by field
  bool operator==(const SetElement&) const = default;
};

class NftBatch {
 public:
  explicit NftBatch(uint8_t family = AF_INET);
  NftBatch& AddTable(const std::string& table);
  NftBatch& DeleteTable(const std::string& table);
  // type: "nat" or "filter"; hook: NF_INET_*.
  NftBatch& AddBaseChain(const std::string& table, const std::string& chain,
                         const std::string& type, uint32_t hook, int32_t priority);
  NftBatch& AddChain(const std::string& table, const std::string& chain);
  // All its rules away.
  NftBatch& FlushChain(const std::string& table, const std::string& chain);
  NftBatch& AddSet(const std::string& table, const SetSpec& set);
  NftBatch& AddElements(const std::string& table, const std::string& set,
                        const std::vector<SetElement>& elements);
  NftBatch& DeleteElements(const std::string& table, const std::string& set,
                           const std::vector<SetElement>& elements);
  NftBatch& AppendRule(const std::string& table, const std::string& chain, const RuleBuilder& rule);
  // As the chain's first.
  NftBatch& InsertRule(const std::string& table, const std::string& chain, const RuleBuilder& rule);
  NftBatch& DeleteRule(const std::string& table, const std::string& chain, uint64_t handle);

  // All of it or nothing. The errors of missing things have code() ENOENT.
  Status Run(int netns_fd) &&;
  std::vector<NetlinkMessage> Finish() &&;  // with both ends, as it is sent

 private:
  NftBatch& PutRule(const std::string& table, const std::string& chain, const RuleBuilder& rule,
                    uint16_t flags);
  NftBatch& PutElements(const std::string& what, uint16_t type, uint16_t flags,
                        const std::string& table, const std::string& set,
                        const std::vector<SetElement>& elements);
  NetlinkMessage& Message(std::string what, uint16_t type, uint16_t flags);

  uint8_t family_;
  std::vector<NetlinkMessage> messages_;
};

// A request of nf_tables.
NetlinkMessage NftMessage(std::string what, uint16_t type, uint16_t flags,
                          uint8_t family = AF_INET);

}  // namespace kpod::network
