// Fields of nf_tables keys: each is padded to registers of four bytes.
#pragma once

#include <cstdint>
#include <string>

#include "network/address.h"

namespace kpod::network {

// nft's numbers of the types, for `nft list` only; ipv4_addr and ipv6_addr are in PacketLayout.
constexpr uint32_t kProtocolType = 12;  // inet_proto
constexpr uint32_t kServiceType = 13;   // inet_service
constexpr uint32_t kMarkType = 19;      // a plain number in the byte order of the machine
constexpr uint32_t kField = 4;

template <class T>
std::string RawBytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}
std::string AddressBytes(Ipv4 ip);
std::string PortBytes(uint16_t port);
std::string ProtocolBytes(const std::string& name);  // tcp udp sctp
std::string NumberBytes(uint32_t number);            // a mark

}  // namespace kpod::network
