#include "network/address.h"

#include <arpa/inet.h>

#include "base/text.h"

namespace kpod::network {

namespace {
constexpr uint32_t kReserved = 10;  // network, uplink ends, and room for what a node needs later

std::vector<Range> Sixteens(const std::vector<std::string_view>& bases) {
  std::vector<Range> out;
  for (std::string_view base : bases) out.push_back({*ParseIpv4(base), 16});
  return out;
}
}  // namespace

std::optional<Ipv4> ParseIpv4(std::string_view s) {
  in_addr address;
  if (s.size() > 15 || ::inet_pton(AF_INET, std::string(s).c_str(), &address) != 1) {
    return std::nullopt;
  }
  return ntohl(address.s_addr);
}

std::string FormatIpv4(Ipv4 address) {
  return StrCat(address >> 24, '.', address >> 16 & 255, '.', address >> 8 & 255, '.',
                address & 255);
}

Address::Address(Ipv4 v4) {
  for (size_t i = 0; i < 4; ++i) bytes_[i] = static_cast<uint8_t>(v4 >> (24 - 8 * i));
}

std::optional<Address> Address::Parse(std::string_view s) {
  if (std::optional<Ipv4> v4 = ParseIpv4(s)) return Address(*v4);
  Address out;
  out.v6_ = true;
  if (s.size() >= INET6_ADDRSTRLEN ||
      ::inet_pton(AF_INET6, std::string(s).c_str(), out.bytes_.data()) != 1)
    return std::nullopt;
  return out;
}

Ipv4 Address::v4() const {
  return static_cast<Ipv4>(bytes_[0]) << 24 | static_cast<Ipv4>(bytes_[1]) << 16 |
         static_cast<Ipv4>(bytes_[2]) << 8 | bytes_[3];
}

std::string Address::Text() const {
  if (!v6_) return FormatIpv4(v4());
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
  return text;
}

std::string Address::Bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), v6_ ? size_t{16} : size_t{4}};
}

std::optional<Range> ParseRange(std::string_view s) {
  size_t slash = s.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<Ipv4> base = ParseIpv4(s.substr(0, slash));
  std::optional<int64_t> prefix = ParseInt(s.substr(slash + 1));
  if (!base || !prefix || *prefix < 0 || *prefix > 32) return std::nullopt;
  Range range{*base, static_cast<int>(*prefix)};
  uint32_t mask = *prefix == 0 ? 0 : ~0U << (32 - *prefix);
  if ((range.base & mask) != range.base) return std::nullopt;
  return range;
}

std::string FormatRange(const Range& range) {
  return StrCat(FormatIpv4(range.base), '/', range.prefix);
}

std::optional<Range> FirstFree(const std::vector<Range>& candidates,
                               const std::vector<Range>& taken) {
  for (const Range& candidate : candidates) {
    bool free = true;
    for (const Range& t : taken) free = free && !candidate.Overlaps(t);
    if (free) return candidate;
  }
  return std::nullopt;
}

const std::vector<Range>& PodRangeCandidates() {
  static const std::vector<Range> ranges = Sixteens(
      {"10.244.0.0", "10.245.0.0", "10.246.0.0", "10.247.0.0", "10.42.0.0", "10.233.0.0",
       "10.234.0.0", "10.200.0.0", "10.201.0.0", "172.30.0.0", "172.29.0.0", "172.28.0.0"});
  return ranges;
}

const std::vector<Range>& ServiceRangeCandidates() {
  static const std::vector<Range> ranges = Sixteens(
      {"10.96.0.0", "10.97.0.0", "10.98.0.0", "10.99.0.0", "10.43.0.0", "10.100.0.0", "10.101.0.0",
       "10.102.0.0", "10.103.0.0", "172.31.0.0", "172.27.0.0", "172.26.0.0"});
  return ranges;
}

std::optional<Ipv4> CandidateAddress(const Range& pods, std::string_view pod_id, uint32_t attempt) {
  if (pods.Size() <= kReserved + 1) return std::nullopt;
  uint32_t room = pods.Size() - kReserved - 1;  // the last one looks like a broadcast address
  if (attempt >= room) return std::nullopt;
  uint32_t hash = 2166136261U;  // FNV-1a
  for (unsigned char c : pod_id) hash = (hash ^ c) * 16777619U;
  hash ^= hash >> 15;
  return pods.base + kReserved + (hash % room + attempt) % room;
}

std::string MacFor(Ipv4 address) {
  const char bytes[] = {static_cast<char>(address >> 24), static_cast<char>(address >> 16),
                        static_cast<char>(address >> 8), static_cast<char>(address)};
  std::string mac = "0a:58";
  for (char byte : bytes) mac += ":" + Hex(std::string_view(&byte, 1));
  return mac;
}

std::string VethFor(Ipv4 address) {
  const char bytes[] = {static_cast<char>(address >> 24), static_cast<char>(address >> 16),
                        static_cast<char>(address >> 8), static_cast<char>(address)};
  return "pod" + Hex(std::string_view(bytes, sizeof(bytes)));
}

}  // namespace kpod::network
