#include "cmd/log_reader.h"

#include <deque>

#include "base/clock.h"
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

Result<std::vector<LogLine>> ReadLog(const std::string& path, int64_t tail, int64_t since_nanos,
                                     FilePosition* end) {
  Tail lines(tail, since_nanos);
  for (const std::string& part : TRY(ReadParts(path, end))) lines.Take(part);
  return lines.Lines();
}

}  // namespace kpod::cmd
