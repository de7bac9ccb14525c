// What upstream has said, for as long as it may be said again. Bounded in bytes: a pod that asks
// for many names forgets earlier ones. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kpod::network {

class DnsCache {
 public:
  // `query`: as it came. All of it but the id counts, so that whoever asks otherwise (with DNSSEC,
  // a cookie, letters in another case) gets an answer of its own. `now`: monotonic nanoseconds.
  void Keep(std::string_view query, std::string_view response, int64_t now);
  // With the query's id, and what is left of every TTL.
  std::optional<std::string> Find(std::string_view query, int64_t now);
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string response;
    int64_t kept = 0, until = 0;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  void Drop(Entries::iterator it);
  void MakeRoom(size_t size);

  Entries entries_;
  size_t bytes_ = 0;
};

}  // namespace kpod::network
