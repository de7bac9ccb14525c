#include "pods/tree_pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <climits>
#include <map>
#include <memory>

#include "base/fd.h"
#include "base/tar.h"
#include "base/text.h"
#include "runtime/syscalls.h"

namespace kpod::pods {

void AddNote(CopyNotes* notes, const std::string& note) {
  constexpr size_t kMost = 20;
  if (notes->size() < kMost) notes->push_back(note);
  if (notes->size() == kMost) notes->back() = "and more was left out";
}

namespace {

constexpr int kMaxDepth = 256;          // one descriptor a level
constexpr size_t kMaxLinked = 100'000;  // files with several names that are remembered
constexpr size_t kPiece = 256 << 10;

// The kernel's own trees have no end, sizes that mean nothing, and files that act when read.
bool IsKernels(int fd) {
  struct statfs fs;
  if (::fstatfs(fd, &fs) < 0) return false;
  switch (static_cast<unsigned long>(fs.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case BPF_FS_MAGIC:
      return true;
    default:
      return false;
  }
}

TarEntry EntryFor(const std::string& path, TarEntry::Type type, const struct stat& st) {
  TarEntry e;
  e.path = path;
  e.type = type;
  e.mode = st.st_mode & 07777;
  e.uid = st.st_uid;
  e.gid = st.st_gid;
  e.mtime_nanos = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
  return e;
}

class Packer {
 public:
  explicit Packer(int out) : tar_(out), piece_(new char[kPiece]) {}

  Status Root(const PackOptions& o) {
    uint64_t resolve = o.own_links ? 0 : RESOLVE_NO_MAGICLINKS;
    Fd fd(runtime::OpenAt2(AT_FDCWD, o.path.c_str(), O_PATH, 0, resolve));
    struct stat st;
    if (!fd || ::fstat(fd.get(), &st) < 0) return Error::Errno(o.path);
    if (S_ISDIR(st.st_mode)) {
      Fd dir(runtime::OpenAt2(AT_FDCWD, o.path.c_str(), O_RDONLY | O_DIRECTORY, 0, resolve));
      if (!dir) return Error::Errno(o.path);
      kernels_ = IsKernels(dir.get());
      TRY(Directory(std::move(dir), o.name, 0));
    } else if (S_ISREG(st.st_mode)) {
      Fd file(
          runtime::OpenAt2(AT_FDCWD, o.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, resolve));
      if (!file) return Error::Errno(o.path);
      TRY(File(std::move(file), o.name));
    } else {
      return Error(o.path + ": not a regular file or a directory");
    }
    return tar_.End();
  }

  CopyNotes notes;

 private:
  Status Directory(Fd fd, const std::string& path, int depth) {
    struct stat st;
    if (::fstat(fd.get(), &st) < 0) return Error::Errno(path);
    TRY(tar_.Begin(EntryFor(path, TarEntry::Type::kDirectory, st)));
    if (!kernels_ && IsKernels(fd.get())) {
      AddNote(&notes, path + ": what is below is the kernel's and was left out");
      return OkStatus();
    }
    if (depth == kMaxDepth) return Error(path + ": directories are nested too deep");
    DIR* dir = ::fdopendir(fd.get());
    if (dir == nullptr) return Error::Errno(path);
    int at = fd.Release();  // the stream's from here on
    Undo close([&] { ::closedir(dir); });
    for (;;) {
      errno = 0;
      dirent* d = ::readdir(dir);
      if (d == nullptr) return errno == 0 ? OkStatus() : Error::Errno("read " + path);
      std::string name = d->d_name;
      if (name != "." && name != "..") TRY(Child(at, name, path + "/" + name, depth + 1));
    }
  }

  Status Child(int dir, const std::string& name, const std::string& path, int depth) {
    struct stat st;
    if (::fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
      return errno == ENOENT ? OkStatus() : Error::Errno(path);
    }
    switch (st.st_mode & S_IFMT) {
      case S_IFDIR:
      case S_IFREG: {
        // By now it may be something else: neither a link is followed nor a pipe waited for.
        int kind = S_ISDIR(st.st_mode) ? O_DIRECTORY : 0;
        Fd fd(::openat(dir, name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | kind));
        bool gone = errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO;
        if (!fd) return gone ? OkStatus() : Error::Errno(path);
        return kind != 0 ? Directory(std::move(fd), path, depth) : File(std::move(fd), path);
      }
      case S_IFLNK: {
        std::string target(static_cast<size_t>(PATH_MAX), '\0');
        ssize_t n = ::readlinkat(dir, name.c_str(), target.data(), target.size());
        if (n <= 0) return errno == ENOENT || errno == EINVAL ? OkStatus() : Error::Errno(path);
        TarEntry e = EntryFor(path, TarEntry::Type::kSymlink, st);
        e.link = target.substr(0, static_cast<size_t>(n));
        return tar_.Begin(e);
      }
      case S_IFIFO:
        return tar_.Begin(EntryFor(path, TarEntry::Type::kFifo, st));
      case S_IFCHR:
      case S_IFBLK: {
        TarEntry e = EntryFor(
            path, S_ISCHR(st.st_mode) ? TarEntry::Type::kCharDevice : TarEntry::Type::kBlockDevice,
            st);
        e.major = major(st.st_rdev);
        e.minor = minor(st.st_rdev);
        return tar_.Begin(e);
      }
      default:
        AddNote(&notes, path + ": a socket, left out");
        return OkStatus();
    }
  }

  Status File(Fd fd, const std::string& path) {
    struct stat st;
    if (::fstat(fd.get(), &st) < 0) return Error::Errno(path);
    if (!S_ISREG(st.st_mode)) return OkStatus();  // exchanged between the look and the opening
    TarEntry e = EntryFor(path, TarEntry::Type::kFile, st);
    if (st.st_nlink > 1) {
      auto known = linked_.find({st.st_dev, st.st_ino});
      if (known != linked_.end()) {
        e.type = TarEntry::Type::kHardlink;
        e.link = known->second;
        return tar_.Begin(e);
      }
      if (linked_.size() < kMaxLinked) linked_[{st.st_dev, st.st_ino}] = path;
    }
    // A small file is read first: its size may be no more than a guess (procfs, sysfs).
    e.size = static_cast<uint64_t>(st.st_size);
    size_t have = 0;
    if (e.size < kPiece) {
      for (ssize_t n = 1; n > 0 && have < kPiece; have += static_cast<size_t>(n)) {
        n = ::read(fd.get(), piece_.get() + have, kPiece - have);
        if (n < 0) return Error::Errno("read " + path);
      }
      e.size = have;
      if (have == kPiece) AddNote(&notes, path + ": is longer than it says; its end was left out");
    }
    TRY(tar_.Begin(e));
    TRY(tar_.Data({piece_.get(), have}));
    return Rest(fd.get(), path, e.size - have);
  }

  Status Rest(int fd, const std::string& path, uint64_t left) {
    while (left > 0) {
      ssize_t n = ::read(fd, piece_.get(), std::min<uint64_t>(left, kPiece));
      if (n < 0) return Error::Errno("read " + path);
      if (n == 0) break;
      TRY(tar_.Data({piece_.get(), static_cast<size_t>(n)}));
      left -= static_cast<uint64_t>(n);
    }
    if (left == 0) return OkStatus();
    AddNote(&notes, path + ": became shorter while it was read; the rest is zeros");
    std::fill_n(piece_.get(), kPiece, '\0');
    for (; left > 0; left -= std::min<uint64_t>(left, kPiece)) {
      TRY(tar_.Data({piece_.get(), std::min<uint64_t>(left, kPiece)}));
    }
    return OkStatus();
  }

  TarWriter tar_;
  std::unique_ptr<char[]> piece_;
  bool kernels_ = false;  // the path itself is one of the kernel's
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

}  // namespace

Result<CopyNotes> PackTree(int fd, const PackOptions& options) {
  Packer packer(fd);
  TRY(packer.Root(options));
  return std::move(packer.notes);
}

}  // namespace kpod::pods
