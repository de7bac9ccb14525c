#include "pods/termination_message.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {
namespace {

std::string ReadMessage(const std::string& path) {
  // The container writes it; kubelet keeps 4096 bytes.
  Result<Fd> fd = Open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return {};
  std::string text(4096, '\0');
  ssize_t n = ::read(fd->get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}

// terminationMessagePolicy FallbackToLogsOnError: the last 2048 bytes or 80 lines of the log,
// whichever is less, without what the log's format adds.
std::string LogTail(const std::string& path) {
  constexpr off_t kRead = 16384;  // 2048 bytes of very short lines, with their times
  constexpr size_t kMaxBytes = 2048;
  constexpr size_t kMaxLines = 80;
  Result<Fd> fd = Open(path, O_RDONLY | O_NOFOLLOW);
  if (!fd) return {};
  off_t size = ::lseek(fd->get(), 0, SEEK_END);
  off_t from = std::max<off_t>(0, size - kRead);
  std::string text(static_cast<size_t>(std::max<off_t>(0, size - from)), '\0');
  ssize_t n = ::pread(fd->get(), text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  std::vector<std::string> lines = Split(text, '\n');
  if (from > 0 && !lines.empty()) lines.erase(lines.begin());  // begun in its middle
  if (lines.size() > kMaxLines + 1) lines.erase(lines.begin(), lines.end() - kMaxLines - 1);
  std::string out;
  for (const std::string& line : lines) {  // TIME STREAM F|P TEXT
    size_t at = line.find(' ');
    if (at != std::string::npos) at = line.find(' ', at + 1);
    if (at == std::string::npos || at + 3 > line.size()) continue;
    out += line.substr(std::min(line.size(), at + 3));
    if (line[at + 1] == 'F') out.push_back('\n');
  }
  return out.size() > kMaxBytes ? out.substr(out.size() - kMaxBytes) : out;
}

}  // namespace

std::string TerminationMessage(const std::string& file, const std::string& log) {
  std::string message = ReadMessage(file);
  return message.empty() && !log.empty() ? LogTail(log) : message;
}

}  // namespace kpod::pods
