#include "cmd/follow.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace kpod::cmd {

namespace {

constexpr size_t kMostBytes = 256 << 20;  // of one part; the writers rotate far earlier

struct Part {
  Fd fd;
  uint64_t inode = 0;
};

// Newest first, each once: a part that was renamed while we looked would come twice, and one name
// is missing at a time. They are held open, so that none can vanish until it is read.
Result<std::vector<Part>> OpenParts(const std::string& path) {
  std::vector<Part> parts;
  for (int i = 0, missing = 0;; ++i) {
    Result<Fd> fd = Open(i == 0 ? path : StrCat(path, ".", i), O_RDONLY);
    if (!fd && fd.error().code() == ENOENT) {
      if (++missing == 2) return parts;
      continue;
    }
    missing = 0;
    Part part{TRY(std::move(fd)), 0};
    struct stat st;
    if (::fstat(part.fd.get(), &st) < 0) return Error::Errno("stat " + path);
    part.inode = st.st_ino;
    bool known = std::any_of(parts.begin(), parts.end(),
                             [&](const Part& p) { return p.inode == part.inode; });
    if (!known) parts.push_back(std::move(part));
  }
}

}  // namespace

Result<std::vector<std::string>> ReadParts(const std::string& path, FilePosition* end) {
  std::vector<std::string> texts;
  std::vector<Part> parts = TRY(OpenParts(path));
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    std::string text = TRY(ReadAll(part->fd.get(), kMostBytes).Context(path));
    text.resize(text.rfind('\n') + 1);  // what is not finished yet is the follower's
    *end = {std::move(part->fd), part->inode, text.size()};
    texts.push_back(std::move(text));
  }
  return texts;
}

// The bytes that came, the rest of a file that was renamed meanwhile before those of the new one.
std::string FileFollower::Since() {
  Result<std::vector<Part>> parts = OpenParts(path_);
  if (!parts || parts->empty()) return "";
  std::string fresh;
  auto known = std::find_if(parts->begin(), parts->end(),
                            [&](const Part& p) { return p.inode == at_.inode; });
  // Gone: all that is left is newer.
  auto from = known == parts->end() ? parts->end() : known + 1;
  bool first = at_.inode == 0;
  if (first) from = parts->begin() + 1;
  for (auto part = std::make_reverse_iterator(from); part != parts->rend(); ++part) {
    uint64_t offset = part->inode == at_.inode || first ? at_.offset : 0;
    if (::lseek(part->fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) continue;
    std::string text = ReadAll(part->fd.get(), kMostBytes).value_or("");
    at_ = {std::move(part->fd), part->inode, offset + text.size()};
    fresh += text;
  }
  return fresh;
}

std::vector<std::string> FileFollower::Poll() {
  rest_ += Since();
  std::vector<std::string> out;
  size_t at = 0;
  for (size_t end; (end = rest_.find('\n', at)) != std::string::npos; at = end + 1)
    out.push_back(rest_.substr(at, end - at));
  rest_.erase(0, at);
  return out;
}

}  // namespace kpod::cmd
