// One file out of stacked layers, as overlay would show it: overlayfs.rst of the kernel, sections
// "whiteouts and opaque directories".
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <deque>
#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "images/images.h"

namespace kpod::images {

namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr int kMaxLinks = 40;  // as the kernel's own limit, path_resolution(7)
constexpr size_t kMaxDepth = 256;

bool IsWhiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

bool IsOpaque(int dir) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    char value = 0;
    if (::fgetxattr(dir, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

struct Entry {
  struct stat st;
  Fd parent;  // the directory, in the layer that decides
};

// What one layer says of a path whose parents are no symlinks.
enum class Says { kNothing, kHidden, kFound };
Says LookIn(const std::string& layer, const std::vector<std::string>& path, Entry& entry,
            bool& opaque) {
  Result<Fd> dir = Open(layer, O_RDONLY | O_DIRECTORY);
  if (!dir) return Says::kNothing;
  for (size_t i = 0;; ++i) {
    struct stat st;
    if (::fstatat(dir->get(), path[i].c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
      return Says::kNothing;
    }
    if (IsWhiteout(st)) return Says::kHidden;
    if (i + 1 == path.size()) {
      entry.st = st;
      entry.parent = std::move(*dir);
      return Says::kFound;
    }
    if (!S_ISDIR(st.st_mode)) return Says::kHidden;
    Result<Fd> next = OpenAt(dir->get(), path[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!next) return Says::kHidden;
    dir = std::move(next);
    opaque = opaque || IsOpaque(dir->get());
  }
}

std::optional<Entry> Look(const std::vector<std::string>& layers,
                          const std::vector<std::string>& path) {
  for (const std::string& layer : layers) {
    Entry entry;
    bool opaque = false;
    switch (LookIn(layer, path, entry, opaque)) {
      case Says::kFound:
        return entry;
      case Says::kHidden:
        return std::nullopt;
      case Says::kNothing:
        if (opaque) return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string ReadLink(const Entry& entry, const std::string& name) {
  char target[4096];
  ssize_t n = ::readlinkat(entry.parent.get(), name.c_str(), target, sizeof(target));
  return n <= 0 ? "" : std::string(target, static_cast<size_t>(n));
}

std::string ReadRegular(const Entry& entry, const std::string& name) {
  if (!S_ISREG(entry.st.st_mode)) return "";
  Result<Fd> fd = OpenAt(entry.parent.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return "";
  return ReadAll(fd->get(), kMaxFile).value_or("");
}

}  // namespace

std::string ReadImageFile(const std::vector<std::string>& layers, const std::string& path) {
  std::deque<std::string> todo;
  for (std::string& part : Split(path, '/')) todo.push_back(std::move(part));
  std::vector<std::string> at;
  int links = 0;
  while (!todo.empty()) {
    std::string part = std::move(todo.front());
    todo.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!at.empty()) at.pop_back();  // "/.." is "/"
      continue;
    }
    at.push_back(part);
    if (at.size() > kMaxDepth) return "";
    std::optional<Entry> entry = Look(layers, at);
    if (!entry) return "";
    if (S_ISLNK(entry->st.st_mode)) {
      if (++links > kMaxLinks) return "";
      std::string target = ReadLink(*entry, part);
      if (target.empty()) return "";
      at.pop_back();
      if (target.front() == '/') at.clear();
      std::vector<std::string> parts = Split(target, '/');
      todo.insert(todo.begin(), parts.begin(), parts.end());
    } else if (todo.empty()) {
      return ReadRegular(*entry, part);
    } else if (!S_ISDIR(entry->st.st_mode)) {
      return "";
    }
  }
  return "";
}

}  // namespace kpod::images
