// The expressions of one nf_tables rule (linux/netfilter/nf_tables.h), in their compiled form, as
// `nft --debug=netlink` shows them. Building is pure. Integers that a packet carries are in network
// byte order.
#pragma once

#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "network/netlink.h"

namespace kpod::network {

// Registers of four bytes each; a key of several fields lies in consecutive ones.
constexpr uint32_t Register(uint32_t n) { return NFT_REG32_00 + n; }

// The fields of the headers of a family, and how long its addresses are.
struct PacketLayout {
  uint8_t family;                // AF_INET, AF_INET6
  uint32_t words;                // of an address, in registers
  uint32_t source, destination;  // offsets in the network header
  uint32_t address_type;         // nft's number of the type, for `nft list` only
  uint32_t size() const { return words * 4; }
};
const PacketLayout& LayoutOf(bool v6);
constexpr uint32_t kDestinationPortOffset = 2;  // in the headers of TCP, UDP and SCTP alike

// The expressions of one rule, in order.
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
  // The rule ends here when the set has no such key.
  RuleBuilder& In(const std::string& set, uint32_t key);
  RuleBuilder& NotIn(const std::string& set, uint32_t key);
  // The verdict of the map, if it has the key.
  RuleBuilder& VerdictOf(const std::string& map, uint32_t key);
  // Loads `bytes`, register by register.
  RuleBuilder& Immediate(uint32_t to, std::string_view bytes);
  // Loads a random number below `modulus`, in the byte order of the machine.
  RuleBuilder& Random(uint32_t modulus, uint32_t to);
  // Sets the element, or starts its time anew; the rule ends here when the map is full.
  RuleBuilder& Remember(const std::string& map, uint32_t key, uint32_t data, uint64_t milliseconds);
  // The kernel wants to be shown data here too, whatever it is, in registers that are loaded.
  RuleBuilder& Forget(const std::string& map, uint32_t key, uint32_t data);
  RuleBuilder& DestinationNat(uint32_t address, uint32_t port, uint8_t family = AF_INET);
  RuleBuilder& Masquerade();
  RuleBuilder& Verdict(int verdict);  // NF_ACCEPT, NF_DROP
  RuleBuilder& Goto(const std::string& chain);
  RuleBuilder& RejectByReset();             // of TCP
  RuleBuilder& RejectByIcmp(uint8_t code);  // destination unreachable
  RuleBuilder& Comment(std::string text);

 private:
  friend class NftBatch;
  RuleBuilder& Add(const char* name, std::function<void(NetlinkMessage&)> data);
  RuleBuilder& Compare(uint32_t reg, uint32_t op, std::string_view value);
  RuleBuilder& Reject(uint32_t type, uint8_t code);

  struct Expression {
    const char* name;
    std::function<void(NetlinkMessage&)> data;
  };
  std::vector<Expression> expressions_;
  std::string comment_;
};

}  // namespace kpod::network
