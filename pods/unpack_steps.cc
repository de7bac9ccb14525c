#include "pods/unpack_steps.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/text.h"
#include "runtime/syscalls.h"

namespace kpod::pods {

namespace {

constexpr size_t kMaxDepth = 256;
constexpr size_t kMaxName = 255;

Status RemoveTree(int parent, const std::string& name, size_t depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return OkStatus();
  if (errno != EISDIR && errno != EPERM) return Error::Errno(name);
  if (depth == kMaxDepth) return Error("directories are nested too deep");
  Fd fd = OpenBelow(parent, name.c_str(), O_RDONLY | O_DIRECTORY);
  DIR* dir = fd ? ::fdopendir(fd.get()) : nullptr;
  if (dir == nullptr) return Error::Errno(name);
  int at = fd.Release();  // the stream's from here on
  Undo close([&] { ::closedir(dir); });
  while (dirent* d = ::readdir(dir)) {
    std::string child = d->d_name;
    if (child != "." && child != "..") TRY(RemoveTree(at, child, depth + 1));
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0) return Error::Errno(name);
  return OkStatus();
}

}  // namespace

Result<std::vector<std::string>> PartsOf(const std::string& path) {
  std::vector<std::string> out;
  for (std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return Error(Quote(path) + " leads out of the archive");
    if (part.size() > kMaxName || out.size() == kMaxDepth)
      return Error(Quote(path.substr(0, 100)) + " ... is too long");
    out.push_back(std::move(part));
  }
  return out;
}

timespec TimeOf(int64_t nanos) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  int64_t seconds = nanos / kNanosPerSecond;
  int64_t rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  return {seconds, rest};
}

std::string TemporaryName() {
  std::string bytes(8, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.assign(8, 't');
  return ".kpod-cp-" + Hex(bytes);
}

Fd OpenBelow(int dir, const char* path, uint64_t flags) {
  constexpr uint64_t kBelow = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(runtime::OpenAt2(dir, path, flags, 0, kBelow));
}

Status RemoveTreeBelow(int parent, const std::string& name) { return RemoveTree(parent, name, 0); }

Status WriteOver(int parent, const std::string& name, int from, const std::string& shown) {
  Fd to = OpenBelow(parent, name.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY);
  struct stat st {};
  if (!to || ::fstat(to.get(), &st) < 0) return Error::Errno(shown);
  if (!S_ISREG(st.st_mode)) return Error(shown + ": not a file");
  if (::ftruncate(to.get(), 0) < 0 || ::lseek(from, 0, SEEK_SET) < 0) return Error::Errno(shown);
  std::vector<char> piece(64 << 10);
  for (;;) {
    ssize_t n = ::read(from, piece.data(), piece.size());
    if (n < 0) return Error::Errno(shown);
    if (n == 0) return OkStatus();
    TRY(WriteAll(to.get(), {piece.data(), static_cast<size_t>(n)}).Context(shown));
  }
}

}  // namespace kpod::pods
