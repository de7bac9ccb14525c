#include "runtime/inside.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <climits>

#include "base/files.h"
#include "base/text.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

constexpr uint64_t kInRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr int kMaxLinks = 16;

// Walks `path` component by component; what is missing is made by `make(parent, name)` where it is
// the last component, and as a directory before it.
template <class Make>
Result<Fd> Walk(int root, const std::string& path, mode_t mode, int links, Make make) {
  std::string done = "/";
  std::vector<std::string> parts;
  for (std::string& part : Split(CleanPath("/" + path), '/')) {
    if (!part.empty()) parts.push_back(std::move(part));
  }
  Fd at = TRY(OpenInside(root, "/", O_PATH | O_DIRECTORY));
  for (size_t i = 0; i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    std::string next = JoinPath(done, parts[i]);
    Result<Fd> found = OpenInside(root, next, O_PATH | (last ? 0 : O_DIRECTORY));
    if (!found && found.error().code() == ENOENT) {
      char target[PATH_MAX];
      ssize_t n = ::readlinkat(at.get(), parts[i].c_str(), target, sizeof(target) - 1);
      if (n > 0) {  // dangling: what it names is made instead
        if (links == 0) return Error::Errno(next, ELOOP);
        std::string to(target, static_cast<size_t>(n));
        std::string full = to.starts_with('/') ? to : JoinPath(done, to);
        for (size_t k = i + 1; k < parts.size(); ++k) full = JoinPath(full, parts[k]);
        return Walk(root, full, mode, links - 1, make);
      }
      if (last) {
        TRY(make(at.get(), parts[i]));
      } else if (::mkdirat(at.get(), parts[i].c_str(), mode) < 0 && errno != EEXIST) {
        return Error::Errno("mkdir " + next);
      }
      found = OpenInside(root, next, O_PATH | (last ? 0 : O_DIRECTORY));
    }
    if (!found) return std::move(found.error());
    at = std::move(*found);
    done = std::move(next);
  }
  return at;
}

}  // namespace

Result<Fd> OpenInside(int root, const std::string& path, int flags) {
  int fd = OpenAt2(root, path.c_str(), static_cast<uint64_t>(flags), 0, kInRoot);
  if (fd < 0) return Error::Errno("open " + path + " in the container");
  return Fd(fd);
}

Result<Fd> RegularFileInside(int root, const std::string& path) {
  Fd found = TRY(OpenInside(root, path, O_PATH));
  struct stat st;
  if (::fstat(found.get(), &st) < 0) return Error::Errno("stat " + path + " in the container");
  if (!S_ISREG(st.st_mode)) return Error(path + " of the container is not a regular file");
  // That very file, whatever its name leads to by now.
  return Open(StrCat("/proc/self/fd/", found.get()), O_RDONLY);
}

Result<Fd> DirectoryInside(int root, const std::string& path, mode_t mode) {
  int fd = OpenAt2(root, path.c_str(), O_PATH | O_DIRECTORY, 0, kInRoot);
  if (fd >= 0) return Fd(fd);
  if (errno != ENOENT) return Error::Errno("open " + path + " in the container");
  return Walk(root, path, mode, kMaxLinks, [&](int parent, const std::string& name) -> Status {
    if (::mkdirat(parent, name.c_str(), mode) < 0 && errno != EEXIST) {
      return Error::Errno("mkdir " + path);
    }
    return OkStatus();
  });
}

Result<Fd> RealDirectoryInside(int root, const std::string& path, mode_t mode) {
  TRY(DirectoryInside(root, path, mode));
  Fd fd(OpenAt2(root, path.c_str(), O_PATH | O_NOFOLLOW, 0, kInRoot));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) < 0) return Error::Errno("open " + path + " in the container");
  if (!S_ISDIR(st.st_mode)) return Error(path + " of the image is a symbolic link");
  return fd;
}

Result<Fd> FileInside(int root, const std::string& path, mode_t mode) {
  int fd = OpenAt2(root, path.c_str(), O_PATH, 0, kInRoot);
  if (fd >= 0) return Fd(fd);
  if (errno != ENOENT) return Error::Errno("open " + path + " in the container");
  return Walk(root, path, 0755, kMaxLinks, [&](int parent, const std::string& name) -> Status {
    Result<Fd> made = OpenAt(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
    if (!made && made.error().code() != EEXIST) return std::move(made.error());
    return OkStatus();
  });
}

Result<Fd> OpenBeneath(int base, const std::string& relative) {
  constexpr uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (relative.empty()) return Dup(base);
  int fd = OpenAt2(base, relative.c_str(), O_PATH, 0, kBeneath);
  if (fd >= 0) return Fd(fd);
  if (errno == EXDEV) return Error("subPath " + Quote(relative) + " leaves the volume");
  if (errno != ENOENT) return Error::Errno("subPath " + Quote(relative));
  struct stat volume;
  if (::fstat(base, &volume) < 0) return Error::Errno("subPath " + Quote(relative));
  Fd at = TRY(Dup(base));
  std::string done;
  for (const std::string& part : Split(relative, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return Error("subPath " + Quote(relative) + " leaves the volume");
    done = JoinPath(done, part);
    fd = OpenAt2(base, done.c_str(), O_PATH | O_DIRECTORY, 0, kBeneath);
    if (fd < 0 && errno == ENOENT) {
      // Whoever may write to the volume may write to it here; the umask has no say. By mkdir and
      // not by a later chmod, whose target could be another directory by then.
      mode_t umask_before = ::umask(0);
      int made = ::mkdirat(at.get(), part.c_str(), volume.st_mode & 01777);
      int code = errno;
      ::umask(umask_before);
      if (made < 0 && code != EEXIST) return Error::Errno("subPath " + Quote(relative), code);
      fd = OpenAt2(base, done.c_str(), O_PATH | O_DIRECTORY, 0, kBeneath);
    }
    if (fd < 0) return Error::Errno("subPath " + Quote(relative));
    at = Fd(fd);
  }
  return at;
}

}  // namespace kpod::runtime
