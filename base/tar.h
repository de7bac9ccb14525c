// Streams of tar: written as POSIX ustar with pax headers, read as that and with GNU's long names.
// What is read may be hostile: numbers are checked, names and headers bounded; where a path leads
// is the caller's to judge. Sources: POSIX.1-2017 pax; tar(5) of libarchive.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod {

struct TarEntry {
  enum class Type { kFile, kDirectory, kSymlink, kHardlink, kFifo, kCharDevice, kBlockDevice };
  std::string path;  // as it stands there: perhaps absolute, perhaps with ".."; no NUL in it
  Type type = Type::kFile;
  mode_t mode = 0;  // 07777
  uid_t uid = 0;
  gid_t gid = 0;
  int64_t mtime_nanos = 0;
  std::string link = {};  // of a symlink: its text; of a hard link: the path of the other
  uint64_t size = 0;      // of a file
  uint32_t major = 0, minor = 0;
};

class TarWriter {
 public:
  explicit TarWriter(int fd) : fd_(fd) {}  // the descriptor stays the caller's
  // A file's `size` bytes follow, by Data.
  Status Begin(const TarEntry& entry);
  Status Data(std::string_view bytes);
  Status End();  // the two blocks that say that the archive is whole

 private:
  Status Flush();
  Status Put(std::string_view bytes);
  Status Pad();

  int fd_;
  std::string buffer_;
  uint64_t left_ = 0;     // of the entry's data
  uint64_t padding_ = 0;  // after it
};

class TarReader {
 public:
  explicit TarReader(int fd) : fd_(fd) {}
  // The next entry, what is left of the one before passed over; none at the end.
  Result<std::optional<TarEntry>> Next();
  // The next piece of the entry's data, empty at its end; valid until the next call.
  Result<std::string_view> Data();
  // True when the archive's own end was seen, and not only that of the stream.
  bool whole() const { return whole_; }
  // Reads on to the end of the stream, so that its writer is not cut off.
  Status Drain();

 private:
  // At least one byte, or none at the end of the stream.
  Status Fill();
  Status ReadBlock(char* block, bool* end);
  Result<std::string> ReadExtension(uint64_t size);
  Status Skip(uint64_t bytes);

  int fd_;
  std::string buffer_;
  size_t at_ = 0, filled_ = 0;
  uint64_t left_ = 0, padding_ = 0;
  bool whole_ = false;
};

}  // namespace kpod
