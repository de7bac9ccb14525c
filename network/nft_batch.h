// Messages of nf_tables (linux/netfilter/nf_tables.h) and the batch that carries them out as one
// transaction. Building is pure. Integers are in network byte order, as nfnetlink wants them.
#pragma once

#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/netlink.h"

namespace kpod::network {

// Registers of four bytes each; a key of several fields lies in consecutive ones.
constexpr uint32_t Register(uint32_t n) { return NFT_REG32_00 + n; }

// The expressions of one rule, in order (nft(8) in its compiled form, `nft --debug=netlink`).
class RuleBuilder {
 public:
  // Loads one of NFT_META_*.
  RuleBuilder& Meta(uint32_t key, uint32_t to);
  // Loads `size` bytes at `offset` of the header NFT_PAYLOAD_*.
  RuleBuilder& Payload(uint32_t header, uint32_t offset, uint32_t size, uint32_t to);
  // Loads the type (RTN_*) of the destination address.
  RuleBuilder& DestinationType(uint32_t to);
  RuleBuilder& Mask(uint32_t reg, std::string_view mask);
  RuleBuilder& Is(uint32_t reg, std::string_view value);
  RuleBuilder& IsNot(uint32_t reg, std::string_view value);
  RuleBuilder& InterfaceIs(uint32_t meta_key, const std::string& name);
  RuleBuilder& InterfaceIsNot(uint32_t meta_key, const std::string& name);
  // The rule ends here when the map has no such key.
  RuleBuilder& Lookup(const std::string& map, uint32_t key, uint32_t to);
  RuleBuilder& DestinationNat(uint32_t address, uint32_t port);
  RuleBuilder& Masquerade();
  RuleBuilder& Verdict(int verdict);  // NF_ACCEPT, NF_DROP
  RuleBuilder& Comment(std::string text);

 private:
  friend class NftBatch;
  RuleBuilder& Add(const char* name, std::function<void(NetlinkMessage&)> data);
  RuleBuilder& Compare(uint32_t reg, uint32_t op, std::string_view value);

  struct Expression {
    const char* name;
    std::function<void(NetlinkMessage&)> data;
  };
  std::vector<Expression> expressions_;
  std::string comment_;
};

struct MapSpec {
  std::string name;
  uint32_t key_type = 0, key_size = 0;    // types as nft(8) numbers them, six bits a field
  uint32_t data_type = 0, data_size = 0;  // bytes
};
struct MapElement {
  std::string key, data;
};

class NftBatch {
 public:
  NftBatch();
  NftBatch& AddTable(const std::string& table);
  NftBatch& DeleteTable(const std::string& table);
  // type: "nat" or "filter"; hook: NF_INET_*.
  NftBatch& AddBaseChain(const std::string& table, const std::string& chain,
                         const std::string& type, uint32_t hook, int32_t priority);
  NftBatch& AddMap(const std::string& table, const MapSpec& map);
  NftBatch& AddElements(const std::string& table, const std::string& map,
                        const std::vector<MapElement>& elements);
  NftBatch& DeleteElements(const std::string& table, const std::string& map,
                           const std::vector<MapElement>& elements);
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
                        const std::string& table, const std::string& map,
                        const std::vector<MapElement>& elements);
  std::vector<NetlinkMessage> messages_;
};

// A request of nf_tables for the family ip.
NetlinkMessage NftMessage(std::string what, uint16_t type, uint16_t flags);

}  // namespace kpod::network
