#include "images/helper/room.h"

#include <sys/statvfs.h>

namespace kpod::images {

namespace {
constexpr uint64_t kCheckEvery = 16 << 20;
constexpr uint64_t kKeepFree = 64 << 20;
constexpr uint64_t kKeepInodes = 1024;
}  // namespace

Status Room::Take(int fd, uint64_t bytes) {
  since_check_ += bytes;
  if (since_check_ < kCheckEvery) return OkStatus();
  since_check_ = 0;
  struct statvfs fs;
  if (::fstatvfs(fd, &fs) < 0) return Error::Errno("free space");
  // A file system that makes inodes as it needs them says that it has none in all.
  bool inodes_end = fs.f_files > 0 && fs.f_favail < kKeepInodes;
  if (fs.f_bavail * fs.f_frsize >= kKeepFree && !inodes_end) return OkStatus();
  return Error::Errno("unpack", ENOSPC);
}

}  // namespace kpod::images
