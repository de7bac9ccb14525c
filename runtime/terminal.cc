#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "base/text.h"
#include "runtime/handshake.h"
#include "runtime/inside.h"
#include "runtime/process.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

// The multiplexer of the container's own devpts, verified, since the image may have put something
// else in its place (CVE-2025-52565).
Result<Fd> OpenMultiplexer(int root) {
  Fd path = TRY(OpenInside(root, "/dev/pts/ptmx", O_PATH | O_NOFOLLOW).Context("terminal"));
  struct stat st;
  struct statfs fs;
  if (::fstat(path.get(), &st) < 0 || ::fstatfs(path.get(), &fs) < 0) {
    return Error::Errno("terminal: /dev/pts/ptmx");
  }
  if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2)) {
    return Error("terminal: /dev/pts is not a devpts file system");
  }
  return OpenInside(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW);
}

}  // namespace

Status SetUpTerminal(const Process& process, int root, int socket, bool console) {
  if (!process.terminal) return OkStatus();
  Fd master = TRY(OpenMultiplexer(root));
  int locked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &locked) < 0) return Error::Errno("unlock the terminal");
  // The peer of this very master, without a look at /dev/pts by name.
  Fd peer(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!peer) return Error::Errno("open the terminal");
  if (process.rows > 0 && process.columns > 0) {
    winsize size{process.rows, process.columns, 0, 0};
    (void)::ioctl(master.get(), TIOCSWINSZ, &size);
  }
  if (::fchown(peer.get(), process.user.uid, static_cast<gid_t>(-1)) < 0) {
    return Error::Errno("chown the terminal");
  }
  if (console) {
    Fd tree = TRY(CloneTree(peer.get(), "", false).Context("/dev/console"));
    Fd target = TRY(FileInside(root, "/dev/console"));
    TRY(AttachMount(tree.get(), target.get()).Context("/dev/console"));
  }
  TRY(SendTerminal(socket, master.get()));
  (void)::setsid();
  if (::ioctl(peer.get(), TIOCSCTTY, 0) < 0) return Error::Errno("take the terminal");
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(peer.get(), fd) < 0) return Error::Errno("standard stream");
  }
  return OkStatus();
}

}  // namespace kpod::runtime
