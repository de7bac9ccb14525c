#include "cmd/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <deque>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::cmd {

bool ParseLogLine(std::string_view line, LogLine* out) {
  size_t first = line.find(' ');
  if (first == std::string_view::npos) return false;
  auto time = ParseTime(line.substr(0, first));
  if (!time) return false;
  out->time_nanos = *time;
  out->time = line.substr(0, first);
  line.remove_prefix(first + 1);
  if (line.starts_with("stdout "))
    out->is_stderr = false;
  else if (line.starts_with("stderr "))
    out->is_stderr = true;
  else
    return false;
  line.remove_prefix(7);
  if (line.empty() || (line[0] != 'F' && line[0] != 'P')) return false;
  out->full = line[0] == 'F';
  line.remove_prefix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  out->text = line;
  return true;
}

namespace {

void TakeLines(std::string_view text, int64_t tail, int64_t since, std::deque<LogLine>* lines,
               int64_t* full) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) return;  // still being written
    LogLine line;
    if (ParseLogLine(text.substr(0, end), &line) && line.time_nanos >= since) {
      if (line.full) ++*full;
      lines->push_back(std::move(line));
    }
    text.remove_prefix(end + 1);
    while (tail >= 0 && *full > tail && !lines->empty()) {
      if (lines->front().full) --*full;
      lines->pop_front();
    }
  }
}

}  // namespace

Result<std::vector<LogLine>> ReadLog(const std::string& path, int64_t tail, int64_t since_nanos) {
  std::deque<LogLine> lines;
  int64_t full = 0;
  int parts = 0;
  while (Exists(StrCat(path, ".", parts + 1))) ++parts;
  for (int i = parts; i >= 0; --i) {
    std::string part = i == 0 ? path : StrCat(path, ".", i);
    Result<std::string> text = ReadFile(part, 256 << 20);
    if (!text && i == 0 && !Exists(part)) return std::vector<LogLine>{};
    TakeLines(TRY(std::move(text)), tail, since_nanos, &lines, &full);
  }
  return std::vector<LogLine>(std::make_move_iterator(lines.begin()),
                              std::make_move_iterator(lines.end()));
}

std::vector<LogLine> LogFollower::Poll() {
  std::vector<LogLine> out;
  Result<Fd> fd = Open(path_, O_RDONLY);
  struct stat st;
  if (!fd || ::fstat(fd->get(), &st) < 0) return out;
  if (inode_ != 0 && st.st_ino != inode_) {
    // Rotated: what the old file still held first.
    inode_ = st.st_ino;
    std::string old = ReadFile(path_ + ".1", 256 << 20).value_or("");
    if (old.size() > offset_) rest_ += old.substr(offset_);
    offset_ = 0;
  }
  inode_ = st.st_ino;
  char buf[65536];
  ssize_t n;
  while ((n = ::pread(fd->get(), buf, sizeof(buf), static_cast<off_t>(offset_))) > 0) {
    rest_.append(buf, static_cast<size_t>(n));
    offset_ += static_cast<uint64_t>(n);
  }
  size_t end;
  while ((end = rest_.find('\n')) != std::string::npos) {
    LogLine line;
    if (ParseLogLine(std::string_view(rest_).substr(0, end), &line)) out.push_back(std::move(line));
    rest_.erase(0, end + 1);
  }
  return out;
}

}  // namespace kpod::cmd
