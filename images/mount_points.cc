#include <fcntl.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/text.h"
#include "images/catalog.h"

namespace kpod::images {

namespace {

Status MakeTree(const std::string& root) {
  TRY(MakeDirs(root, 0755));
  for (const char* directory : {"dev", "etc", "proc", "sys"}) {
    TRY(MakeDir(JoinPath(root, directory), 0755));
  }
  for (const char* file : {"etc/hostname", "etc/hosts", "etc/resolv.conf"}) {
    Fd fd = TRY(Open(JoinPath(root, file), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    // Whatever the umask: the container sees these modes where nothing is mounted.
    if (::fchmod(fd.get(), 0644) < 0) return Error::Errno("chmod");
  }
  for (const char* directory : {".", "dev", "etc", "proc", "sys"}) {
    if (::chmod(JoinPath(root, directory).c_str(), 0755) < 0) return Error::Errno("chmod");
  }
  return OkStatus();
}

}  // namespace

Result<std::string> MountPointLayer(const store::Paths& paths) {
  Layout layout(paths);
  std::string path = layout.MountPoints();
  if (Exists(path)) return path;
  TRY(layout.MakeAll());
  // Another supervisor may make it at this moment; whoever renames first has made it.
  TempDir temp = TRY(TempDir::Make(layout));
  TRY(MakeTree(temp.path() + "/layer").Context("mount point layer"));
  if (::rename((temp.path() + "/layer").c_str(), path.c_str()) < 0 && !Exists(path)) {
    return Error::Errno("rename to " + path);
  }
  return path;
}

}  // namespace kpod::images
