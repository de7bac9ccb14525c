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
// a half. `sync` adds fsync, for what a power cut must not lose. A writer that is killed leaves the
// temp file, whose name IsTempName knows: readers of directories pass it over, and whoever holds
// the lock under which a directory is written clears it with SweepTemps.
Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode = 0600,
                       bool sync = false);
// A file that must not be there yet (an error with code() EEXIST): it appears with all its content,
// and a writer that is killed leaves nothing.
Status WriteFileOnce(const std::string& path, std::string_view bytes, mode_t mode = 0600);
bool IsTempName(std::string_view name);
// Removes the temp files in a directory that were for `name` ("": for any).
void SweepTemps(const std::string& directory, std::string_view name = "");

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

// A lock on a file made when absent. The kernel drops it when the holder dies, and all that it
// forked meanwhile. An open file description lock (fcntl(2)) and not flock(2): who only asks
// whether it is free must not take it, even for a moment, from somebody who tries to.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };
  static Result<FileLock> Acquire(const std::string& path, Mode mode = Mode::kExclusive);
  // An error with code() EWOULDBLOCK when somebody holds it.
  static Result<FileLock> TryAcquire(const std::string& path, Mode mode = Mode::kExclusive);
  // True when nobody holds it (or the file does not exist).
  static bool IsFree(const std::string& path);
  // The same of an open file, which may have been removed meanwhile.
  static bool IsFree(int fd);
  int fd() const { return fd_.get(); }
  Fd Take() && { return std::move(fd_); }

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace kpod
