// CRI log lines, as LogWriter writes them, back to what the container wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kpod::cmd {

struct LogLine {
  int64_t time_nanos = 0;
  std::string time;
  bool is_stderr = false;
  bool full = true;    // F; else P: the next of its stream goes on
  bool begins = true;  // not the rest of a line that came in parts
  std::string text;
};

// False when the line is not of the format (a damaged file).
bool ParseLogLine(std::string_view line, LogLine* out);

// The whole log of one run, oldest first, its rotated parts ("<path>.N" ... "<path>.1") before it.
// With `tail` >= 0 no more than needed is kept.
Result<std::vector<LogLine>> ReadLog(const std::string& path, int64_t tail, int64_t since_nanos);

// Follows a file that grows and is rotated (renamed away and made anew).
class LogFollower {
 public:
  explicit LogFollower(std::string path, uint64_t offset)
      : path_(std::move(path)), offset_(offset) {}
  std::vector<LogLine> Poll();

 private:
  std::vector<LogLine> Take(const std::string& bytes);

  std::string path_, rest_;
  uint64_t offset_;
  uint64_t inode_ = 0;
};

}  // namespace kpod::cmd
