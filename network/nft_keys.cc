#include "network/nft_keys.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace kpod::network {

std::string AddressBytes(Ipv4 ip) { return RawBytes(htonl(ip)); }

std::string PortBytes(uint16_t port) { return RawBytes(htons(port)) + std::string(2, '\0'); }

std::string ProtocolBytes(const std::string& name) {
  char number = IPPROTO_TCP;
  if (name == "udp") number = static_cast<char>(IPPROTO_UDP);
  if (name == "sctp") number = static_cast<char>(IPPROTO_SCTP);
  return number + std::string(3, '\0');
}

std::string NumberBytes(uint32_t number) { return RawBytes(number); }

}  // namespace kpod::network
