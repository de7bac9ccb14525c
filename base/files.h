// Files and directories. Whatever must survive a crash is written to a temporary file and renamed.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod {

// Whole file; refuses more than `max_bytes` (what is read may be hostile).
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = 64 << 20);
Result<std::string> ReadAll(int fd, size_t max_bytes = 64 << 20);
Status WriteAll(int fd, std::string_view bytes);
// Writes in place (for /proc, /sys and cgroup files).
Status WriteFile(const std::string& path, std::string_view bytes);
// Temp file in the same directory, then rename(2): a reader sees the old content or the new, never
// a half. `sync` adds fsync, for what a power cut must not lose.
Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode = 0600,
                       bool sync = false);

bool Exists(const std::string& path);  // lstat succeeds
bool IsDirectory(const std::string& path);
Status MakeDir(const std::string& path, mode_t mode = 0700);   // EEXIST is success
Status MakeDirs(const std::string& path, mode_t mode = 0700);  // with parents
// Removes a tree without following symlinks and without leaving the mount it starts on. Absent is
// success.
Status RemoveAll(const std::string& path);
Result<std::vector<std::string>> ListDir(
    const std::string& path);  // names, sorted, no dots; absent is empty

std::string Basename(std::string_view path);
std::string Dirname(std::string_view path);
// "/a" + "b" -> "/a/b"; an absolute second part is taken below the first.
std::string JoinPath(std::string_view a, std::string_view b);
// Removes ".", "..", doubled slashes, as text (no symlink is followed). Result has no trailing
// slash but for "/".
std::string CleanPath(std::string_view path);

// flock(2) on a file made when absent. The kernel drops it when the holder dies.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };
  static Result<FileLock> Acquire(const std::string& path, Mode mode = Mode::kExclusive);
  // An error with code() EWOULDBLOCK when somebody holds it.
  static Result<FileLock> TryAcquire(const std::string& path, Mode mode = Mode::kExclusive);
  // True when nobody holds it exclusively (or the file does not exist).
  static bool IsFree(const std::string& path);
  int fd() const { return fd_.get(); }
  Fd Take() && { return std::move(fd_); }

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace kpod
