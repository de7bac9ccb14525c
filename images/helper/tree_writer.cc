#include "images/helper/tree_writer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::images {

namespace {

constexpr size_t kMaxPath = 4095;
constexpr size_t kMaxDepth = 200;  // removing a tree holds two descriptors a level
constexpr uint64_t kMaxEntries = 4'000'000;

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kAufs = ".wh..wh.";

Result<Fd> OpenInRoot(int root, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof(how));
  if (fd < 0) return Error::Errno(path);
  return Fd(static_cast<int>(fd));
}

// Overlay's own attributes would let a layer redirect into other directories; SELinux labels are
// the host's business.
bool IsAllowedXattr(std::string_view name) {
  if (name.starts_with("user.overlay.")) return false;
  return name.starts_with("user.") || name == "security.capability";
}

Status SetXattrs(int fd, const TreeEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (!IsAllowedXattr(name)) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) < 0 && errno != ENOTSUP &&
        errno != EPERM) {
      return Error::Errno(StrCat("set ", name));
    }
  }
  return OkStatus();
}

bool IsWhiteoutAt(int parent, const std::string& name) {
  struct stat st;
  return ::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
         st.st_rdev == 0;
}

Status SetOpaque(int parent, const std::string& name) {
  Fd dir = TRY(OpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::fsetxattr(dir.get(), "trusted.overlay.opaque", "y", 1, 0) == 0) return OkStatus();
  if (errno != EPERM) return Error::Errno("set trusted.overlay.opaque");
  if (::fsetxattr(dir.get(), "user.overlay.opaque", "y", 1, 0) == 0) return OkStatus();
  return Error::Errno("set user.overlay.opaque");
}

timespec Now() { return {0, UTIME_OMIT}; }

}  // namespace

Result<std::vector<std::string>> SafeComponents(const std::string& path) {
  if (path.size() > kMaxPath) return Error("a path of more than 4095 bytes");
  if (path.find('\0') != std::string::npos) return Error("a path with a zero byte");
  std::vector<std::string> out;
  for (std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (out.empty()) return Error(StrCat(Quote(path), " leads out of the image"));
      out.pop_back();
      continue;
    }
    if (part.size() > 255) return Error("a file name of more than 255 bytes");
    out.push_back(std::move(part));
  }
  if (out.size() > kMaxDepth) return Error(StrCat("a path more than ", kMaxDepth, " deep"));
  return out;
}

TreeWriter::TreeWriter(Fd root) : root_(std::move(root)), privileged_(::geteuid() == 0) {}

Result<Fd> TreeWriter::OpenParent(const std::vector<std::string>& components) {
  std::string path = Join({components.begin(), components.end() - 1}, "/");
  Result<Fd> fd = OpenInRoot(root_.get(), path, O_PATH | O_DIRECTORY);
  if (fd || fd.error().code() != ENOENT) return fd;
  // Layers may leave out the directories above a file.
  Fd at = TRY(OpenInRoot(root_.get(), "", O_PATH | O_DIRECTORY));
  path.clear();
  for (size_t i = 0; i + 1 < components.size(); ++i) {
    path = JoinPath(path, components[i]);
    Result<Fd> next = OpenInRoot(root_.get(), path, O_PATH | O_DIRECTORY);
    if (!next && next.error().code() == ENOENT) {
      if (::mkdirat(at.get(), components[i].c_str(), 0755) < 0) {
        // EEXIST: a symlink to nowhere. What it should lead to is not for this layer to make.
        return Error::Errno("make directory " + path);
      }
      next = OpenInRoot(root_.get(), path, O_PATH | O_DIRECTORY);
    }
    at = TRY(std::move(next));
  }
  return at;
}

Result<int> TreeWriter::Parent(const std::vector<std::string>& components) {
  std::string path = Join({components.begin(), components.end() - 1}, "/");
  if (!parent_ || path != parent_path_) {
    parent_ = TRY(OpenParent(components));
    parent_path_ = path;
  }
  return parent_.get();
}

// Removes what an earlier entry of the same layer left there.
Status TreeWriter::Clear(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return OkStatus();
  if (errno != EISDIR && errno != EPERM) return Error::Errno("replace " + name);
  TRY(RemoveAll(StrCat("/proc/self/fd/", parent, "/", name)));
  parent_.Reset();  // it may have been below
  return OkStatus();
}

Status TreeWriter::Owner(int parent, const std::string& name, const TreeEntry& entry) {
  if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0 &&
      privileged_) {
    return Error::Errno("change owner");
  }
  return OkStatus();
}

Status TreeWriter::Whiteout(int parent, const std::string& name) {
  if (name == kOpaque) return SetOpaque(parent, ".");
  if (name.starts_with(kAufs)) return OkStatus();  // of aufs, with no meaning here
  std::string hidden = name.substr(kWhiteout.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return Error("a whiteout of no file");
  }
  // A whiteout hides lower layers only: what this layer brings itself stays.
  struct stat st;
  if (::fstatat(parent, hidden.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    return S_ISDIR(st.st_mode) ? SetOpaque(parent, hidden) : OkStatus();
  }
  // Kernels since 5.8 allow 0/0 without CAP_MKNOD.
  if (::mknodat(parent, hidden.c_str(), S_IFCHR, makedev(0, 0)) < 0) {
    return Error::Errno("make whiteout");
  }
  return OkStatus();
}

Status TreeWriter::MakeDirectory(int parent, const std::string& name, const TreeEntry& entry) {
  bool hides = IsWhiteoutAt(parent, name);
  if (::mkdirat(parent, name.c_str(), 0755) < 0) {
    struct stat st;
    if (errno != EEXIST) return Error::Errno("make directory");
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return Error::Errno("stat");
    if (!S_ISDIR(st.st_mode)) {
      TRY(Clear(parent, name));
      if (::mkdirat(parent, name.c_str(), 0755) < 0) return Error::Errno("make directory");
    }
  }
  if (hides) TRY(SetOpaque(parent, name));
  TRY(Owner(parent, name, entry));
  Fd dir = TRY(OpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(SetXattrs(dir.get(), entry));
  directories_.push_back({entry.path, entry.mode, entry.mtime});
  return OkStatus();
}

Status TreeWriter::Hardlink(int parent, const std::string& name, const TreeEntry& entry) {
  std::vector<std::string> target = TRY(SafeComponents(entry.link).Context("hard link"));
  if (target.empty()) return Error("a hard link to the root");
  std::string above = Join({target.begin(), target.end() - 1}, "/");
  Result<Fd> dir = OpenInRoot(root_.get(), above, O_PATH | O_DIRECTORY);
  struct stat ours, theirs;
  if (!dir || ::fstatat(dir->get(), target.back().c_str(), &theirs, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error(StrCat("a hard link to ", Quote(entry.link), ", which the layer does not hold"));
  }
  // Linking a file to itself must not remove it first.
  if (::fstatat(parent, name.c_str(), &ours, AT_SYMLINK_NOFOLLOW) == 0) {
    if (ours.st_ino == theirs.st_ino) return OkStatus();
    TRY(Clear(parent, name));
    std::vector<std::string> own = TRY(SafeComponents(entry.path));
    parent = TRY(Parent(own));
  }
  if (::linkat(dir->get(), target.back().c_str(), parent, name.c_str(), 0) < 0) {
    return Error::Errno(StrCat("hard link to ", entry.link));
  }
  return OkStatus();
}

Status TreeWriter::MakeNode(int parent, const std::string& name, const TreeEntry& entry) {
  const char* file = name.c_str();
  switch (entry.kind) {
    case TreeEntry::Kind::kFile:
      file_ = TRY(OpenAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      file_entry_ = entry;
      return OkStatus();
    case TreeEntry::Kind::kSymlink:
      if (::symlinkat(entry.link.c_str(), parent, file) < 0) return Error::Errno("make symlink");
      break;
    case TreeEntry::Kind::kFifo:
      if (::mkfifoat(parent, file, 0600) < 0) return Error::Errno("make fifo");
      break;
    default: {
      // 0/0 would be a whiteout of the layer's own making.
      mode_t type = entry.kind == TreeEntry::Kind::kChar ? S_IFCHR : S_IFBLK;
      if (entry.device == 0) return OkStatus();
      if (::mknodat(parent, file, type | 0600, entry.device) < 0) {
        // No right to make devices: a container's /dev is made without the image's anyway.
        return errno == EPERM ? OkStatus() : Status(Error::Errno("make device"));
      }
    }
  }
  TRY(Owner(parent, name, entry));
  if (entry.kind != TreeEntry::Kind::kSymlink && ::fchmodat(parent, file, entry.mode, 0) < 0) {
    return Error::Errno("change mode");
  }
  timespec times[2] = {Now(), entry.mtime};
  if (::utimensat(parent, file, times, AT_SYMLINK_NOFOLLOW) < 0) return Error::Errno("set time");
  return OkStatus();
}

Status TreeWriter::Make(const TreeEntry& entry) {
  if (++entries_ > kMaxEntries) return Error(StrCat("more than ", kMaxEntries, " files"));
  constexpr uint64_t kBlock = 4096;  // an entry takes room without data, too
  TRY(room_.Take(root_.get(), kBlock));
  std::vector<std::string> components = TRY(SafeComponents(entry.path));
  if (components.empty()) {  // "./": the root of the image itself
    if (entry.kind != TreeEntry::Kind::kDir) return Error("the image's root is no directory");
    TRY(Owner(root_.get(), ".", entry));
    directories_.push_back({"", entry.mode, entry.mtime});
    return OkStatus();
  }
  const std::string& name = components.back();
  int parent = TRY(Parent(components));
  if (name.starts_with(kWhiteout)) return Whiteout(parent, name);
  if (entry.kind == TreeEntry::Kind::kDir) return MakeDirectory(parent, name, entry);
  if (entry.kind == TreeEntry::Kind::kHardlink) return Hardlink(parent, name, entry);
  TRY(Clear(parent, name));
  return MakeNode(TRY(Parent(components)), name, entry);
}

Status TreeWriter::WriteData(int64_t offset, std::string_view bytes) {
  bytes_ += bytes.size();
  TRY(room_.Take(root_.get(), bytes.size()));
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::Errno("write");
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return OkStatus();
}

Status TreeWriter::EndFile() {
  const TreeEntry& entry = file_entry_;
  Undo close([&] { file_.Reset(); });
  struct stat st;
  if (::fstat(file_.get(), &st) < 0) return Error::Errno("stat");
  // A hole at the end.
  if (st.st_size < entry.size && ::ftruncate(file_.get(), entry.size) < 0) {
    return Error::Errno("set size");
  }
  // Changing the owner drops setuid bits and capabilities: both come after.
  if (::fchown(file_.get(), entry.uid, entry.gid) < 0 && privileged_) {
    return Error::Errno("change owner");
  }
  if (::fchmod(file_.get(), entry.mode) < 0) return Error::Errno("change mode");
  TRY(SetXattrs(file_.get(), entry));
  timespec times[2] = {Now(), entry.mtime};
  if (::futimens(file_.get(), times) < 0) return Error::Errno("set time");
  return OkStatus();
}

Status TreeWriter::Finish() {
  for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
    std::vector<std::string> components = TRY(SafeComponents(it->path));
    Result<Fd> dir =
        OpenInRoot(root_.get(), Join(components, "/"), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!dir) continue;  // a later entry replaced it
    if (::fchmod(dir->get(), it->mode) < 0) return Error::Errno("change mode of " + it->path);
    timespec times[2] = {Now(), it->mtime};
    if (::futimens(dir->get(), times) < 0) return Error::Errno("set time of " + it->path);
  }
  return OkStatus();
}

}  // namespace kpod::images
