#include "network/dns_cache.h"

#include <algorithm>

#include "network/dns_packet.h"

namespace kpod::network {

namespace {
constexpr size_t kMostBytes = 64 << 10;  // queries and responses; a pod's part of memory is small
constexpr size_t kLargest = 8 << 10;     // of one
constexpr size_t kIdSize = 2;
constexpr int64_t kSecond = 1'000'000'000;

uint16_t IdOf(std::string_view packet) {
  return static_cast<uint16_t>(static_cast<unsigned char>(packet[0]) << 8 |
                               static_cast<unsigned char>(packet[1]));
}
}  // namespace

void DnsCache::Keep(std::string_view query, std::string_view response, int64_t now) {
  if (query.size() <= kIdSize || query.size() + response.size() > kLargest) return;
  uint32_t seconds = LifetimeOf(response);
  if (seconds == 0) return;
  std::string key(query.substr(kIdSize));
  if (auto it = entries_.find(key); it != entries_.end()) Drop(it);
  MakeRoom(key.size() + response.size());
  bytes_ += key.size() + response.size();
  entries_[std::move(key)] = {std::string(response), now, now + seconds * kSecond};
}

std::optional<std::string> DnsCache::Find(std::string_view query, int64_t now) {
  if (query.size() <= kIdSize) return std::nullopt;
  auto it = entries_.find(query.substr(kIdSize));
  if (it == entries_.end()) return std::nullopt;
  const Entry& e = it->second;
  if (e.until <= now) {
    Drop(it);
    return std::nullopt;
  }
  return WithId(Aged(e.response, static_cast<uint32_t>((now - e.kept) / kSecond)), IdOf(query));
}

void DnsCache::Drop(Entries::iterator it) {
  bytes_ -= it->first.size() + it->second.response.size();
  entries_.erase(it);
}

// Those that end first go first.
void DnsCache::MakeRoom(size_t size) {
  while (!entries_.empty() && bytes_ + size > kMostBytes) {
    Drop(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  }
}

}  // namespace kpod::network
