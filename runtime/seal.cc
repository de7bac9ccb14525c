#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {

Result<Fd> SealedExecutable(const std::string& path) {
  Fd tree = TRY(CloneTree(AT_FDCWD, path, false));
  TRY(SetMountAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, false).Context("seal " + path));
  // A descriptor of the file itself: it holds the mount when the tree's own goes.
  return Open(StrCat("/proc/self/fd/", tree.get()), O_RDONLY);
}

Status SealSelf(char** argv) {
  struct statvfs fs;
  if (::statvfs("/proc/self/exe", &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0) {
    // Executed by descriptor, the process is named after the descriptor's number.
    if (argv[0] != nullptr) ::prctl(PR_SET_NAME, Basename(argv[0]).c_str(), 0, 0, 0);
    return OkStatus();
  }
  Result<Fd> sealed = SealedExecutable("/proc/self/exe");
  if (!sealed) {
    // Without the right to make a mount there is also none to start a container that could write
    // what only the caller can write.
    if (sealed.error().code() == EPERM || sealed.error().code() == ENOSYS) return OkStatus();
    return std::move(sealed.error());
  }
  // The link of /proc then names the detached mount; who looks for what lies beside the program
  // finds it by this.
  char self[4096];
  ssize_t n = ::readlink("/proc/self/exe", self, sizeof(self) - 1);
  if (n > 0) ::setenv("KPOD_SELF", std::string(self, static_cast<size_t>(n)).c_str(), 0);
  ::execveat(sealed->get(), "", argv, environ, AT_EMPTY_PATH);
  return Error::Errno("execute this program again from a read-only mount");
}

}  // namespace kpod::runtime
