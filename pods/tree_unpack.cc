#include "pods/tree_unpack.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "base/fd.h"
#include "base/files.h"
#include "base/tar.h"
#include "base/text.h"
#include "pods/unpack_steps.h"
#include "runtime/syscalls.h"

namespace kpod::pods {

namespace {

using Type = TarEntry::Type;

class Unpacker {
 public:
  Unpacker(int in, const UnpackOptions& options) : tar_(in), o_(options) {}

  Status Run() {
    bool archive = o_.what == UnpackOptions::What::kArchive;
    std::optional<TarEntry> entry = TRY(tar_.Next());
    if (archive) {
      root_ = TRY(OpenNamed(o_.path, O_PATH | O_DIRECTORY));
    } else {
      if (!entry) return Error("nothing came");
      TRY(PlaceRoot(*entry));
      entry = TRY(tar_.Next());
    }
    for (; entry; entry = TRY(tar_.Next())) TRY(Make(*entry));
    // Another program's archive may lack its end; our own never does.
    if (!tar_.whole() && !archive) return Error("the copy was cut short");
    TRY(tar_.Drain());
    return Finish();
  }

  CopyNotes notes;

 private:
  struct MadeDirectory {
    std::string path;  // below the root; "": the root
    mode_t mode;
    int64_t mtime_nanos;
    dev_t device;
    ino_t inode;
  };

  Result<Fd> OpenNamed(const std::string& path, int flags) const {
    uint64_t resolve = o_.own_machine ? 0 : RESOLVE_NO_MAGICLINKS;
    Fd fd(runtime::OpenAt2(AT_FDCWD, path.c_str(), static_cast<uint64_t>(flags), 0, resolve));
    if (!fd) return Error::Errno(path);
    return fd;
  }

  // Where the tree goes: see UnpackOptions::What.
  Status PlaceRoot(const TarEntry& entry) {
    bool is_dir = entry.type == Type::kDirectory;
    if (!is_dir && entry.type != Type::kFile) return Error("neither a file nor a directory came");
    Result<Fd> there = OpenNamed(o_.path, O_PATH);
    struct stat st {};
    if (!there && there.error().code() != ENOENT) return std::move(there.error());
    if (there && ::fstat(there->get(), &st) < 0) return Error::Errno(o_.path);
    std::string parent = o_.path;
    std::string name = o_.name;
    if (there && S_ISDIR(st.st_mode)) {
      if (is_dir && (o_.what == UnpackOptions::What::kContents || name == ".")) {
        root_ = TRY(OpenNamed(o_.path, O_PATH | O_DIRECTORY));
        return OkStatus();
      }
    } else {
      if (!there && !is_dir && o_.path.ends_with('/'))
        return Error(o_.path + ": there is no such directory");
      struct stat link {};
      bool special =
          o_.own_machine && ::lstat(o_.path.c_str(), &link) == 0 && !S_ISREG(link.st_mode);
      if (special && !there) return Error(o_.path + ": a symbolic link that leads nowhere");
      if (special && !is_dir) return WriteThrough();
      if (there && !S_ISREG(st.st_mode)) return Error(o_.path + ": not a file or a directory");
      std::string path = o_.path;
      while (path.size() > 1 && path.ends_with('/')) path.pop_back();
      parent = Contains(path, "/") ? Dirname(path) : ".";
      name = Basename(path);
      if (name.empty() || name == "." || name == "..") return Error(o_.path + ": names nothing");
    }
    Fd into = TRY(OpenNamed(parent, O_PATH | O_DIRECTORY));
    shown_ = parent == "/" ? "/" : parent + "/";
    if (!is_dir) return File(into.get(), name, entry);
    TRY(Directory(into.get(), name, entry, nullptr));
    root_ = OpenBelow(into.get(), name.c_str(), O_PATH | O_DIRECTORY);
    if (!root_) return Error::Errno(shown_ + name);
    shown_ += name + "/";
    return OkStatus();
  }

  // Onto what is there already: a device (/dev/stdout), a pipe, or what a link of the caller's
  // names.
  Status WriteThrough() {
    Fd fd = TRY(OpenNamed(o_.path, O_WRONLY | O_TRUNC | O_NOCTTY));
    return WriteData(fd.get(), o_.path);
  }

  Status Make(const TarEntry& e) {
    std::vector<std::string> parts = TRY(PartsOf(e.path));
    if (parts.empty()) return OkStatus();  // the directory itself: not ours to change
    if (!root_) return Error(Quote(e.path) + " comes after a file");
    std::string name = parts.back();
    parts.pop_back();
    int parent = TRY(Parent(parts));
    std::string path = Join(parts, "/") + (parts.empty() ? "" : "/") + name;
    if (!Supported(e, path)) return OkStatus();
    if (e.type == Type::kDirectory) return Directory(parent, name, e, &path);
    if (e.type == Type::kFile) return File(parent, name, e);
    return Node(parent, name, e);
  }

  bool Supported(const TarEntry& e, const std::string& path) {
    bool device = e.type == Type::kCharDevice || e.type == Type::kBlockDevice;
    bool pipe = e.type == Type::kFifo && o_.own_machine;
    if (device || pipe)
      AddNote(&notes, StrCat(path, ": a ", device ? "device" : "pipe", ", left out"));
    return !device && !pipe;
  }

  // The directory below the root, made where it is missing.
  Result<int> Parent(const std::vector<std::string>& parts) {
    if (parts.empty()) return root_.get();
    std::string path = Join(parts, "/");
    if (parent_ && path == parent_path_) return parent_.get();
    auto open = [&](const std::string& p) {
      return OpenBelow(root_.get(), p.c_str(), O_PATH | O_DIRECTORY);
    };
    Fd fd = open(path);
    if (!fd && errno == ENOENT) {
      std::string so_far;
      for (const std::string& part : parts) {
        Fd above = so_far.empty() ? Fd() : open(so_far);
        int at = so_far.empty() ? root_.get() : above.get();
        if (at < 0) return Error::Errno(shown_ + so_far);
        if (::mkdirat(at, part.c_str(), 0755) < 0 && errno != EEXIST)
          return Error::Errno(shown_ + JoinPath(so_far, part));
        so_far = so_far.empty() ? part : so_far + "/" + part;
      }
      fd = open(path);
    }
    if (!fd && errno == ELOOP)
      return Error(StrCat(shown_, path, ": goes through a symbolic link, which is not followed"));
    if (!fd) return Error::Errno(shown_ + path);
    parent_ = std::move(fd);
    parent_path_ = path;
    return parent_.get();
  }

  Status Own(int dir, const std::string& name, const TarEntry& e) const {
    if (o_.owner == UnpackOptions::Owner::kCaller) return OkStatus();
    bool given = o_.owner == UnpackOptions::Owner::kGiven;
    int flags = AT_SYMLINK_NOFOLLOW | (name.empty() ? AT_EMPTY_PATH : 0);
    if (::fchownat(dir, name.c_str(), given ? o_.uid : e.uid, given ? o_.gid : e.gid, flags) < 0)
      return Error::Errno(shown_ + e.path + ": change its owner");
    return OkStatus();
  }

  mode_t ModeOf(const TarEntry& e) const { return e.mode & (o_.own_machine ? 0777 : 07777); }

  // `path`: below the root, for its mode and time at the end; null for the root itself.
  Status Directory(int parent, const std::string& name, const TarEntry& e,
                   const std::string* path) {
    std::string shown = shown_ + (path == nullptr ? name : *path);
    struct stat st {};
    bool there = ::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && S_ISDIR(st.st_mode)) return OkStatus();  // keeps its mode and its owner
    if (there && S_ISLNK(st.st_mode))
      return Error(shown + ": is a symbolic link, where a directory was to come");
    if (there && !o_.overwrite) return Error(shown + ": is not a directory; see --overwrite");
    if (there && ::unlinkat(parent, name.c_str(), 0) < 0) return Error::Errno(shown);
    if (::mkdirat(parent, name.c_str(), 0700) < 0) return Error::Errno(shown);
    Fd fd = OpenBelow(parent, name.c_str(), O_RDONLY | O_DIRECTORY);
    // Ours, and not another one that came in its place.
    if (!fd || ::fstat(fd.get(), &st) < 0) return Error::Errno(shown);
    if (st.st_uid != ::geteuid()) return Error(shown + ": was exchanged meanwhile");
    TRY(Own(fd.get(), "", e));
    made_.push_back({path == nullptr ? "" : *path, ModeOf(e), e.mtime_nanos, st.st_dev, st.st_ino});
    return OkStatus();
  }

  // Makes room for something that is not a directory.
  Status Clear(int parent, const std::string& name, const std::string& shown) {
    struct stat st {};
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return OkStatus();
    if (!S_ISDIR(st.st_mode)) return OkStatus();
    if (!o_.overwrite) return Error(shown + ": is a directory; see --overwrite");
    parent_.Reset();
    return RemoveTreeBelow(parent, name).Context(shown);
  }

  Status WriteData(int fd, const std::string& shown) {
    for (;;) {
      std::string_view piece = TRY(tar_.Data());
      if (piece.empty()) return OkStatus();
      TRY(WriteAll(fd, piece).Context(shown));
    }
  }

  // Written beside and renamed: nobody sees a half, and what is there is never opened.
  Status File(int parent, const std::string& name, const TarEntry& e) {
    std::string shown = shown_ + (root_ ? e.path : name);
    TRY(Clear(parent, name, shown));
    std::string temporary = TemporaryName();
    Fd fd(::openat(parent, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0600));
    if (!fd) return Error::Errno(shown);
    Undo remove([&] { ::unlinkat(parent, temporary.c_str(), 0); });
    TRY(WriteData(fd.get(), shown));
    TRY(Own(fd.get(), "", e));
    timespec times[2] = {{0, UTIME_OMIT}, TimeOf(e.mtime_nanos)};
    if (::fchmod(fd.get(), ModeOf(e)) < 0 || ::futimens(fd.get(), times) < 0)
      return Error::Errno(shown);
    if (::renameat(parent, temporary.c_str(), parent, name.c_str()) == 0) {
      remove.Dismiss();
      return OkStatus();
    }
    if (errno != EBUSY) return Error::Errno(shown);
    return WriteOver(parent, name, fd.get(), shown);
  }

  // Links and pipes, by the same way.
  Status Node(int parent, const std::string& name, const TarEntry& e) {
    std::string shown = shown_ + e.path;
    TRY(Clear(parent, name, shown));
    std::string temporary = TemporaryName();
    TRY(NewNode(parent, temporary, e).Context(shown));
    Undo remove([&] { ::unlinkat(parent, temporary.c_str(), 0); });
    if (e.type != Type::kHardlink) {
      TRY(Own(parent, temporary, e));
      timespec times[2] = {{0, UTIME_OMIT}, TimeOf(e.mtime_nanos)};
      (void)::utimensat(parent, temporary.c_str(), times, AT_SYMLINK_NOFOLLOW);
    }
    // Two names of one file already: then rename(2) does nothing, and the temporary one goes.
    if (::renameat(parent, temporary.c_str(), parent, name.c_str()) < 0) return Error::Errno(shown);
    return OkStatus();
  }

  Status NewNode(int parent, const std::string& name, const TarEntry& e) {
    if (e.type == Type::kSymlink) {
      if (::symlinkat(e.link.c_str(), parent, name.c_str()) < 0) return Error::Errno("symlink");
      return OkStatus();
    }
    if (e.type == Type::kFifo) {
      if (::mkfifoat(parent, name.c_str(), e.mode & 0777) < 0) return Error::Errno("mkfifo");
      return OkStatus();
    }
    std::vector<std::string> parts = TRY(PartsOf(e.link));
    if (parts.empty()) return Error("a hard link to nothing");
    std::string last = parts.back();
    parts.pop_back();
    std::string above = parts.empty() ? "." : Join(parts, "/");
    Fd dir = OpenBelow(root_.get(), above.c_str(), O_PATH | O_DIRECTORY);
    if (!dir) return Error::Errno("hard link to " + Quote(e.link));
    // The link itself where it is one, never what it leads to.
    if (::linkat(dir.get(), last.c_str(), parent, name.c_str(), 0) < 0)
      return Error::Errno("hard link to " + Quote(e.link));
    return OkStatus();
  }

  // Last, since a mode may forbid and a time would not outlive what is made inside.
  Status Finish() {
    for (auto d = made_.rbegin(); d != made_.rend(); ++d) {
      const char* path = d->path.empty() ? "." : d->path.c_str();
      Fd fd = OpenBelow(root_.get(), path, O_RDONLY | O_DIRECTORY);
      struct stat st {};
      if (!fd || ::fstat(fd.get(), &st) < 0) continue;  // somebody took it away
      if (st.st_dev != d->device || st.st_ino != d->inode) continue;
      timespec times[2] = {{0, UTIME_OMIT}, TimeOf(d->mtime_nanos)};
      if (::fchmod(fd.get(), d->mode) < 0 || ::futimens(fd.get(), times) < 0)
        return Error::Errno(shown_ + d->path);
    }
    return OkStatus();
  }

  TarReader tar_;
  const UnpackOptions& o_;
  std::string shown_;  // of the root, for messages
  Fd root_;
  std::string parent_path_;
  Fd parent_;  // of parent_path_: most entries follow their siblings
  std::vector<MadeDirectory> made_;
};

}  // namespace

Result<CopyNotes> UnpackTree(int fd, const UnpackOptions& options) {
  Unpacker unpacker(fd, options);
  TRY(unpacker.Run());
  return std::move(unpacker.notes);
}

}  // namespace kpod::pods
