#include "runtime/selinux.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <memory>

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

constexpr const char* kAttribute = "security.selinux";

Status RelabelTree(int dir, dev_t device, const std::string& label, int depth) {
  constexpr int kMostLevels = 256;  // a descriptor is open for each
  if (depth > kMostLevels) return Error("more than 256 directories deep");
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  Fd again = TRY(OpenAt(dir, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, Close> list(::fdopendir(again.get()));
  if (!list) return Error::Errno("opendir");
  (void)again.Release();
  for (const dirent* e = ::readdir(list.get()); e != nullptr; e = ::readdir(list.get())) {
    std::string_view name = e->d_name;
    if (name == "." || name == "..") continue;
    Fd fd(::openat(dir, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat st;
    if (!fd || ::fstat(fd.get(), &st) < 0 || st.st_dev != device) continue;  // gone, or elsewhere
    TRY(SetFileLabel(fd.get(), label).Context(std::string(name)));
    if (S_ISDIR(st.st_mode)) TRY(RelabelTree(fd.get(), device, label, depth + 1));
  }
  return OkStatus();
}

}  // namespace

bool IsSelinuxOn(const std::string& sys) { return Exists(sys + "/fs/selinux/enforce"); }

SelinuxLabels SelinuxLabelsFor(const SelinuxOptions& o) {
  auto either = [](const std::string& given, const char* otherwise) {
    return given.empty() ? std::string(otherwise) : given;
  };
  std::string level = either(o.level, "s0");
  return {StrCat(either(o.user, "system_u"), ":", either(o.role, "system_r"), ":",
                 either(o.type, "container_t"), ":", level),
          StrCat("system_u:object_r:container_file_t:", level)};
}

Status SetFileLabel(int fd, const std::string& label) {
  // By the descriptor's name, as an O_PATH descriptor takes no fsetxattr(2); a link has a label
  // too, and its descriptor's name leads to itself.
  std::string path = StrCat("/proc/self/fd/", fd);
  if (::setxattr(path.c_str(), kAttribute, label.data(), label.size(), 0) == 0) return OkStatus();
  // A file system that keeps no labels has one for all that is on it.
  if (errno == ENOTSUP || errno == EROFS) return OkStatus();
  return Error::Errno("set the SELinux label " + label);
}

Status CheckLabel(const std::string& label, const std::string& sys) {
  Fd file(::open((sys + "/fs/selinux/context").c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return OkStatus();
  if (::write(file.get(), label.data(), label.size()) >= 0) return OkStatus();
  if (errno == EINVAL) return Error("the SELinux policy does not know the label " + label);
  return Error::Errno("SELinux label " + label);
}

Status Relabel(const std::string& path, const std::string& label) {
  Fd top = TRY(Open(path, O_PATH));
  struct stat st;
  if (::fstat(top.get(), &st) < 0) return Error::Errno(path);
  TRY(SetFileLabel(top.get(), label).Context(path));
  if (!S_ISDIR(st.st_mode)) return OkStatus();
  return RelabelTree(top.get(), st.st_dev, label, 0).Context(path);
}

}  // namespace kpod::runtime
