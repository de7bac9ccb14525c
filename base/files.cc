#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/text.h"

namespace kpod {

Result<std::string> ReadAll(int fd, size_t max_bytes) {
  std::string out;
  char buf[65536];
  for (;;) {
    ssize_t n = ::read(fd, buf, sizeof(buf));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::Errno("read");
    if (n == 0) return out;
    out.append(buf, static_cast<size_t>(n));
    if (out.size() > max_bytes) return Error(StrCat("larger than ", HumanBytes(max_bytes)));
  }
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  Fd fd = TRY(Open(path, O_RDONLY));
  return ReadAll(fd.get(), max_bytes).Context(path);
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::Errno("write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

Status WriteFile(const std::string& path, std::string_view bytes) {
  Fd fd = TRY(Open(path, O_WRONLY));
  ssize_t n;
  do {  // one write: the kernel's own files take a value whole or refuse it
    n = ::write(fd.get(), bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Error::Errno("write " + path);
  return OkStatus();
}

namespace {

constexpr std::string_view kTempPrefix = ".tmp-";

// ".tmp-<pid>-<n>-<name>": the name last, so that SweepTemps knows whose it was.
std::string NewTempPath(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return StrCat(Dirname(path), "/", kTempPrefix, ::getpid(), "-", counter++, "-", Basename(path));
}

struct TempFile {
  std::string path;
  Fd fd;
};

Result<TempFile> MakeTempFile(const std::string& target, mode_t mode) {
  for (;;) {
    std::string path = NewTempPath(target);
    Result<Fd> fd = Open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd) return TempFile{std::move(path), std::move(*fd)};
    // What a killed process of the same number left.
    if (fd.error().code() != EEXIST) return std::move(fd.error());
  }
}

Status Fill(const TempFile& temp, std::string_view bytes, mode_t mode, bool sync) {
  if (::fchmod(temp.fd.get(), mode) < 0) return Error::Errno("chmod " + temp.path);
  TRY(WriteAll(temp.fd.get(), bytes).Context(temp.path));
  if (sync && ::fsync(temp.fd.get()) < 0) return Error::Errno("fsync " + temp.path);
  return OkStatus();
}

}  // namespace

Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
  TempFile temp = TRY(MakeTempFile(path, mode));
  Undo remove([&] { ::unlink(temp.path.c_str()); });
  TRY(Fill(temp, bytes, mode, sync));
  if (::rename(temp.path.c_str(), path.c_str()) < 0) return Error::Errno("rename to " + path);
  remove.Dismiss();
  return OkStatus();
}

Status WriteFileOnce(const std::string& path, std::string_view bytes, mode_t mode) {
  TempFile temp{Dirname(path),
                Fd(::open(Dirname(path).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode))};
  bool named = !temp.fd && errno == EOPNOTSUPP;  // open(2): not every file system has O_TMPFILE
  if (!temp.fd && !named) return Error::Errno("open " + path);
  if (named) temp = TRY(MakeTempFile(path, mode));
  Undo remove([&] {
    if (named) ::unlink(temp.path.c_str());
  });
  TRY(Fill(temp, bytes, mode, false));
  std::string from = named ? temp.path : StrCat("/proc/self/fd/", temp.fd.get());
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0) {
    return Error::Errno("make " + path);
  }
  return OkStatus();
}

bool IsTempName(std::string_view name) { return name.starts_with(kTempPrefix); }

void SweepTemps(const std::string& directory, std::string_view name) {
  Result<std::vector<std::string>> all = ListDir(directory);
  if (!all) return;
  for (const std::string& file : *all) {
    if (!IsTempName(file) || (!name.empty() && !file.ends_with(StrCat("-", name)))) continue;
    ::unlink(JoinPath(directory, file).c_str());
  }
}

bool Exists(const std::string& path) {
  struct stat st;
  return ::lstat(path.c_str(), &st) == 0;
}

bool IsDirectory(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

Status MakeDir(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) return Error::Errno("mkdir " + path);
  return OkStatus();
}

Status MakeDirs(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return OkStatus();
  if (errno != ENOENT) return Error::Errno("mkdir " + path);
  TRY(MakeDirs(Dirname(path), mode));
  return MakeDir(path, mode);
}

namespace {

struct DirCloser {
  void operator()(DIR* d) const { ::closedir(d); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

Status RemoveTreeAt(int parent, const std::string& name, dev_t device) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return OkStatus();
  if (errno != EISDIR && errno != EPERM) return Error::Errno("remove " + name);
  Fd fd = TRY(OpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return Error::Errno("stat " + name);
  if (st.st_dev != device) return Error(StrCat("remove ", name, ": something is mounted there"));
  Fd again = TRY(Dup(fd.get()));
  Dir dir(::fdopendir(again.Release()));
  if (!dir) return Error::Errno("opendir " + name);
  while (dirent* e = ::readdir(dir.get())) {
    std::string child = e->d_name;
    if (child == "." || child == "..") continue;
    TRY(RemoveTreeAt(fd.get(), child, device).Context(name));
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
    return Error::Errno("rmdir " + name);
  }
  return OkStatus();
}

}  // namespace

Status RemoveAll(const std::string& path) {
  struct stat st;
  if (::lstat(path.c_str(), &st) < 0) {
    return errno == ENOENT ? OkStatus() : Status(Error::Errno("stat " + path));
  }
  Fd parent = TRY(Open(Dirname(path), O_RDONLY | O_DIRECTORY));
  return RemoveTreeAt(parent.get(), Basename(path), st.st_dev).Context(Dirname(path));
}

Result<std::vector<std::string>> ListDir(const std::string& path) {
  std::vector<std::string> out;
  Dir dir(::opendir(path.c_str()));
  if (!dir) {
    if (errno == ENOENT) return out;
    return Error::Errno("open directory " + path);
  }
  while (dirent* e = ::readdir(dir.get())) {
    std::string name = e->d_name;
    if (name != "." && name != "..") out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string Basename(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  size_t at = path.rfind('/');
  return std::string(at == std::string_view::npos || path.size() == 1 ? path : path.substr(at + 1));
}

std::string Dirname(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  size_t at = path.rfind('/');
  if (at == std::string_view::npos) return ".";
  return at == 0 ? "/" : std::string(path.substr(0, at));
}

std::string JoinPath(std::string_view a, std::string_view b) {
  while (a.size() > 1 && a.back() == '/') a.remove_suffix(1);
  while (!b.empty() && b.front() == '/') b.remove_prefix(1);
  if (a.empty()) return std::string(b);
  if (b.empty()) return std::string(a);
  return StrCat(a, a == "/" ? "" : "/", b);
}

std::string CleanPath(std::string_view path) {
  bool absolute = !path.empty() && path.front() == '/';
  std::vector<std::string> out;
  for (std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      out.push_back(std::move(part));
    } else if (!out.empty() && out.back() != "..") {
      out.pop_back();
    } else if (!absolute) {
      out.push_back(std::move(part));
    }
  }
  std::string joined = Join(out, "/");
  if (absolute) return "/" + joined;
  return joined.empty() ? "." : joined;
}

namespace {

struct flock LockOf(FileLock::Mode mode) {
  struct flock lock {};  // the whole file
  lock.l_type = mode == FileLock::Mode::kShared ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

Result<Fd> OpenAndLock(const std::string& path, FileLock::Mode mode, int command) {
  for (;;) {
    Fd fd = TRY(Open(path, O_RDWR | O_CREAT, 0600));
    int r;
    do {
      struct flock lock = LockOf(mode);
      r = ::fcntl(fd.get(), command, &lock);
    } while (r < 0 && errno == EINTR);
    // EAGAIN or EACCES, says POSIX of F_SETLK; EWOULDBLOCK is EAGAIN's other name.
    if (r < 0) return Error::Errno("lock " + path, errno == EACCES ? EWOULDBLOCK : errno);
    struct stat st;
    if (::fstat(fd.get(), &st) < 0) return Error::Errno("stat " + path);
    // Its last holder removed it: a lock that nobody else will ever meet.
    if (st.st_nlink > 0) return fd;
  }
}

}  // namespace

Result<FileLock> FileLock::Acquire(const std::string& path, Mode mode) {
  return FileLock(TRY(OpenAndLock(path, mode, F_OFD_SETLKW)));
}

Result<FileLock> FileLock::TryAcquire(const std::string& path, Mode mode) {
  return FileLock(TRY(OpenAndLock(path, mode, F_OFD_SETLK)));
}

bool FileLock::IsFree(const std::string& path) {
  Result<Fd> fd = Open(path, O_RDWR);
  return !fd || IsFree(fd->get());
}

bool FileLock::IsFree(int fd) {
  struct flock lock = LockOf(Mode::kExclusive);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

}  // namespace kpod
