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

// The last lines of a log, however many parts each came in.
class Tail {
 public:
  Tail(int64_t most, int64_t since) : most_(most), since_(since) {}

  void Take(std::string_view text) {
    while (!text.empty()) {
      size_t end = text.find('\n');
      if (end == std::string_view::npos) return;  // still being written
      LogLine line;
      if (ParseLogLine(text.substr(0, end), &line) && line.time_nanos >= since_)
        Add(std::move(line));
      text.remove_prefix(end + 1);
    }
  }

  std::vector<LogLine> Lines() {
    return {std::make_move_iterator(lines_.begin()), std::make_move_iterator(lines_.end())};
  }

 private:
  void Add(LogLine line) {
    bool& open = open_[line.is_stderr];
    line.begins = !open;
    open = !line.full;
    if (line.begins) ++count_;
    lines_.push_back(std::move(line));
    while (most_ >= 0 && !lines_.empty() && (count_ > most_ || !lines_.front().begins)) {
      if (lines_.front().begins) --count_;
      lines_.pop_front();
    }
  }

  int64_t most_, since_, count_ = 0;
  bool open_[2] = {false, false};
  std::deque<LogLine> lines_;
};

}  // namespace

Result<std::vector<LogLine>> ReadLog(const std::string& path, int64_t tail, int64_t since_nanos) {
  Tail lines(tail, since_nanos);
  int parts = 0;
  while (Exists(StrCat(path, ".", parts + 1))) ++parts;
  for (int i = parts; i >= 0; --i) {
    std::string part = i == 0 ? path : StrCat(path, ".", i);
    Result<std::string> text = ReadFile(part, 256 << 20);
    if (!text && i == 0 && !Exists(part)) return std::vector<LogLine>{};
    lines.Take(TRY(std::move(text)));
  }
  return lines.Lines();
}

std::vector<LogLine> LogFollower::Poll() {
  std::string fresh;
  Result<Fd> fd = Open(path_, O_RDONLY);
  struct stat st;
  if (!fd || ::fstat(fd->get(), &st) < 0) return {};
  if (inode_ != 0 && st.st_ino != inode_) {
    // Rotated, perhaps more than once: what came since, oldest first.
    std::string old;
    for (int i = 1;; ++i) {
      std::string part = StrCat(path_, ".", i);
      struct stat was;
      if (::stat(part.c_str(), &was) < 0) break;
      std::string text = ReadFile(part, 256 << 20).value_or("");
      bool known = was.st_ino == inode_;
      old.insert(0, known ? text.substr(std::min<uint64_t>(offset_, text.size())) : text);
      if (known) break;
    }
    fresh += old;
    offset_ = 0;
  }
  inode_ = st.st_ino;
  char buf[65536];
  ssize_t n;
  while ((n = ::pread(fd->get(), buf, sizeof(buf), static_cast<off_t>(offset_))) > 0) {
    fresh.append(buf, static_cast<size_t>(n));
    offset_ += static_cast<uint64_t>(n);
  }
  return Take(fresh);
}

std::vector<LogLine> LogFollower::Take(const std::string& bytes) {
  std::vector<LogLine> out;
  rest_ += bytes;
  size_t at = 0, end;
  while ((end = rest_.find('\n', at)) != std::string::npos) {
    LogLine line;
    if (ParseLogLine(std::string_view(rest_).substr(at, end - at), &line))
      out.push_back(std::move(line));
    at = end + 1;
  }
  rest_.erase(0, at);
  return out;
}

}  // namespace kpod::cmd
