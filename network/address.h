// Addresses and ranges. IPv4 as plain numbers (host byte order), since the node counts with them;
// Address where both families may stand. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpod::network {

using Ipv4 = uint32_t;

struct Range {
  Ipv4 base = 0;
  int prefix = 32;

  uint32_t Size() const { return prefix == 0 ? UINT32_MAX : 1U << (32 - prefix); }
  Ipv4 Last() const { return prefix == 0 ? UINT32_MAX : base + (Size() - 1); }
  bool Contains(Ipv4 address) const { return address >= base && address <= Last(); }
  bool Overlaps(const Range& o) const { return base <= o.Last() && o.base <= Last(); }
  bool operator==(const Range&) const = default;
};

inline uint32_t MaskOf(const Range& range) {
  return range.prefix == 0 ? 0 : ~0U << (32 - range.prefix);
}

std::optional<Ipv4> ParseIpv4(std::string_view s);
std::string FormatIpv4(Ipv4 address);
std::optional<Range> ParseRange(std::string_view s);  // "10.244.0.0/16"; host bits must be zero
std::string FormatRange(const Range& range);

// An address of either family.
class Address {
 public:
  Address() = default;  // 0.0.0.0
  explicit Address(Ipv4 v4);
  // "10.96.0.1", "fd00::1"; no zone, no brackets.
  static std::optional<Address> Parse(std::string_view s);

  bool v6() const { return v6_; }
  Ipv4 v4() const;            // of an IPv4 address
  std::string Text() const;   // as inet_ntop(3): RFC 5952 for IPv6
  std::string Bytes() const;  // 4 or 16, network order
  bool empty() const { return *this == Address(); }
  auto operator<=>(const Address&) const = default;

 private:
  bool v6_ = false;
  std::array<uint8_t, 16> bytes_{};
};

// The first of `candidates` that meets none of `taken`; nullopt when all do.
std::optional<Range> FirstFree(const std::vector<Range>& candidates,
                               const std::vector<Range>& taken);
// Ranges tried for pods and for services, the customary one of Kubernetes first.
const std::vector<Range>& PodRangeCandidates();
const std::vector<Range>& ServiceRangeCandidates();

// Addresses inside the pod range that are not pods: the two ends of the uplink.
inline Ipv4 HostAddress(const Range& pods) { return pods.base + 1; }
inline Ipv4 NodeAddress(const Range& pods) { return pods.base + 2; }
// What pods see as gateway and nameserver: the node's end of each veth has it.
constexpr Ipv4 kGateway = 0xa9fe0101;  // 169.254.1.1

// The n-th address to try for a pod: starts at a hash of its id, so that a pod that comes back gets
// the address it had, and many processes at once hardly meet. nullopt when all have been tried.
std::optional<Ipv4> CandidateAddress(const Range& pods, std::string_view pod_id, uint32_t attempt);
// "0a:58:" and the address: as CNI's plugins did it, so that an address keeps its MAC.
std::string MacFor(Ipv4 address);
// Name of the node's end of the pod's veth (15 characters at most, netdevice(7)).
std::string VethFor(Ipv4 address);

}  // namespace kpod::network
