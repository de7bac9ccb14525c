// A small archive can unpack to more than any disk: whoever writes what it holds stops before the
// machine's is full.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace kpod::images {

class Room {
 public:
  // `bytes` more were written to the file system of `fd`; ENOSPC when it has less than 64 MiB
  // or a thousand inodes left.
  Status Take(int fd, uint64_t bytes);

 private:
  uint64_t since_check_ = 0;
};

}  // namespace kpod::images
