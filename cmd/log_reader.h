// CRI log lines, as LogWriter writes them, back to what the container wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cmd/follow.h"

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

// The whole log of one run, oldest first. With `tail` >= 0 no more than needed is kept. `end`:
// where following it goes on.
Result<std::vector<LogLine>> ReadLog(const std::string& path, int64_t tail, int64_t since_nanos,
                                     FilePosition* end);

}  // namespace kpod::cmd
