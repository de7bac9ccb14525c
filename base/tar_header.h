// For base/tar_*.cc: the blocks that a tar archive is made of. Source: tar(5) of libarchive.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace kpod::tar {

constexpr size_t kBlock = 512;
constexpr size_t kBuffer = 256 << 10;
constexpr int64_t kNanos = 1'000'000'000;
using Pax = std::map<std::string, std::string>;

constexpr std::array<char, 7> kTypes = {'0', '5', '2', '1', '6', '3', '4'};  // as TarEntry::Type

// What a field is too short for stands in a pax header before.
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
      magic[8], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
static_assert(sizeof(Header) == kBlock);

inline uint64_t PaddingOf(uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

// The sum of a header's bytes, its own field taken as blanks.
inline unsigned Checksum(const char* block) {
  constexpr size_t kAt = 148;
  unsigned sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    bool own = i >= kAt && i < kAt + 8;
    sum += own ? static_cast<unsigned>(' ') : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

}  // namespace kpod::tar
