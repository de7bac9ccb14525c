#include "runtime/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

constexpr ino_t kProcRootInode = 1;  // PROC_ROOT_INO; a bind mount of a part of /proc has another

Status VerifyProc(int fd, const std::string& what) {
  struct statfs fs;
  if (::fstatfs(fd, &fs) < 0) return Error::Errno(what);
  if (fs.f_type != PROC_SUPER_MAGIC) return Error(what + " is not procfs");
  return OkStatus();
}

}  // namespace

Result<Fd> OpenProc() {
  Fd fd = TRY(Open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  TRY(VerifyProc(fd.get(), "/proc"));
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return Error::Errno("/proc");
  if (st.st_ino != kProcRootInode) return Error("/proc is not the root of procfs");
  return fd;
}

Status WriteProc(int proc, const std::string& path, const std::string& value) {
  Fd fd(OpenAt2(proc, path.c_str(), O_WRONLY | O_NOFOLLOW, 0,
                RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV));
  if (!fd) return Error::Errno("open /proc/" + path);
  TRY(VerifyProc(fd.get(), "/proc/" + path));
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return Error::Errno("write /proc/" + path);
  }
  return OkStatus();
}

Result<std::string> SysctlPath(const std::string& name) {
  std::string path = name;
  // sysctl(8): the first separator decides which of "." and "/" separates; the other one is part of
  // a name (net.ipv4.conf.eth0/1.forwarding).
  size_t separator = name.find_first_of("./");
  if (separator != std::string::npos && name[separator] == '.') {
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  for (const std::string& part : Split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return Error(StrCat("sysctl ", Quote(name), ": not a name"));
    }
  }
  static const char* const exact[] = {
      "kernel/msgmax", "kernel/msgmnb",          "kernel/msgmni",
      "kernel/sem",    "kernel/shmall",          "kernel/shmmax",
      "kernel/shmmni", "kernel/shm_rmid_forced", "kernel/domainname"};
  bool known = path.starts_with("net/") || path.starts_with("fs/mqueue/") ||
               std::find(std::begin(exact), std::end(exact), path) != std::end(exact);
  if (!known) return Error(StrCat("sysctl ", Quote(name), " is not in a separate namespace"));
  return "sys/" + path;
}

Status ApplySysctls(int proc, const std::map<std::string, std::string>& sysctl) {
  for (auto& [name, value] : sysctl) {
    std::string path = TRY(SysctlPath(name));
    TRY(WriteProc(proc, path, value).Context(StrCat("sysctl ", name)));
  }
  return OkStatus();
}

}  // namespace kpod::runtime
