// A file of lines that grows and is rotated: renamed to "<path>.1", what was that to "<path>.2"
// ..., and made anew.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::cmd {

// How far somebody has read. The file is held open: its inode's number is no other file's until
// then.
struct FilePosition {
  Fd file;  // none: from the beginning of what is there
  uint64_t inode = 0;
  uint64_t offset = 0;
};

// The whole file, its rotated parts before it, oldest first; only whole lines. A rotation meanwhile
// neither loses nor doubles any. `end`: where a FileFollower goes on. Empty when there is no file.
Result<std::vector<std::string>> ReadParts(const std::string& path, FilePosition* end);

class FileFollower {
 public:
  explicit FileFollower(std::string path, FilePosition from = {})
      : path_(std::move(path)), at_(std::move(from)) {}
  const std::string& path() const { return path_; }
  // The lines that were finished since the last call, without their line feeds.
  std::vector<std::string> Poll();

 private:
  std::string Since();

  std::string path_, rest_;
  FilePosition at_;
};

}  // namespace kpod::cmd
