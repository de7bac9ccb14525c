#include "runtime/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/text.h"
#include "runtime/mapped_layers.h"
#include "runtime/syscalls.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

constexpr std::string_view kSilent = "overlay: Invalid argument";

// What the kernel says about a failed fsopen context (one message a read, "e overlay: ...").
std::string FsLog(int fs) {
  char buf[1024];
  ssize_t n = ::read(fs, buf, sizeof(buf));
  if (n <= 2) return "";
  return StrCat(" (", Trim(std::string_view(buf + 2, static_cast<size_t>(n) - 2)), ")");
}

Status Configure(int fs, const char* key, const std::string& value) {
  if (::fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str(), 0) < 0) {
    return Error::Errno(StrCat("overlay ", key, "=", value));
  }
  return OkStatus();
}

// fsconfig(2) takes 255 bytes; a longer path is named by a descriptor.
Result<std::string> ShortPath(const std::string& path, std::vector<Fd>* keep) {
  if (path.size() < 255) return path;
  keep->push_back(TRY(Open(path, O_PATH | O_DIRECTORY)));
  return StrCat("/proc/self/fd/", keep->back().get());
}

// "volatile" keeps the kernel from syncing the host's whole file system each time a container ends;
// what a container wrote outside of its volumes is not kept over a power cut anyhow. The mark that
// a former use left makes the kernel refuse the directory (overlayfs.rst, "Volatile mount").
Status ForgetVolatile(const std::string& work) { return RemoveAll(work + "/work/incompat"); }

Result<Fd> NewOverlay(const Rootfs& r, bool user_namespace, const std::string& label = "") {
  Fd fs(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!fs) return Error::Errno("fsopen overlay");
  std::vector<Fd> keep;
  for (const std::string& layer : r.lower) {
    std::string path = TRY(ShortPath(layer, &keep));
    TRY(Configure(fs.get(), "lowerdir+", path));
  }
  if (!r.upper.empty()) {
    std::string upper = TRY(ShortPath(r.upper, &keep));
    std::string work = TRY(ShortPath(r.work, &keep));
    TRY(Configure(fs.get(), "upperdir", upper));
    TRY(Configure(fs.get(), "workdir", work));
    TRY(ForgetVolatile(r.work));
    if (::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "volatile", nullptr, 0) < 0) {
      return Error::Errno("overlay volatile");
    }
  }
  if (!label.empty()) TRY(Configure(fs.get(), "context", label));
  if (user_namespace && ::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) < 0) {
    return Error::Errno("overlay userxattr");
  }
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    int code = errno;
    return Error::Errno("overlay" + FsLog(fs.get()), code);
  }
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, 0));
  if (!mount) return Error::Errno("fsmount overlay");
  return mount;
}

// mount(2), in the child: overlay takes only directories of mounts in the caller's own namespace,
// so the layers are opened here and not by the parent. Where it is mounted does not matter; a
// layer's own directory is sure to be there.
Result<Fd> OldOverlay(const Rootfs& r, bool user_namespace, const std::string& label) {
  std::vector<Fd> layers;
  std::vector<int> lower;
  auto open = [&](const std::string& path) -> Result<int> {
    layers.push_back(TRY(Open(path, O_PATH | O_DIRECTORY)));
    return layers.back().get();
  };
  for (const std::string& layer : r.lower) lower.push_back(TRY(open(layer)));
  int upper = -1, work = -1;
  if (!r.upper.empty()) {
    TRY(ForgetVolatile(r.work));
    upper = TRY(open(r.upper));
    work = TRY(open(r.work));
  }
  std::string options = LegacyOverlayOptions(lower, upper, work, user_namespace, label);
  if (options.size() >= 4096) return Error("the image has too many layers for this kernel");
  std::string target = StrCat("/proc/self/fd/", lower[0]);
  if (::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) < 0) {
    return Error::Errno("mount the overlay");
  }
  // The descriptor shows what is below the mount; its path leads onto it.
  return Open(r.lower[0], O_PATH | O_DIRECTORY);
}

}  // namespace

std::string LegacyOverlayOptions(const std::vector<int>& lower, int upper, int work,
                                 bool user_namespace, const std::string& label) {
  std::vector<std::string> paths;
  for (int fd : lower) paths.push_back(StrCat("/proc/self/fd/", fd));
  std::string out = "lowerdir=" + Join(paths, ":");
  if (upper >= 0) {
    out += StrCat(",upperdir=/proc/self/fd/", upper, ",workdir=/proc/self/fd/", work, ",volatile");
  }
  if (user_namespace) out += ",userxattr";
  if (!label.empty()) out += StrCat(",context=\"", label, "\"");
  return out;
}

namespace {

constexpr unsigned kInert =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// "lowerdir+" came with 6.5; before, it is EINVAL: at once, or without a word when the file system
// is made of what was taken unseen.
bool SoundsOld(const std::string& message) {
  return Contains(message, "lowerdir+") || message == kSilent;
}
bool IsOldKernel(const Error& e) { return e.code() == EINVAL && SoundsOld(e.message()); }

Status MountOldLayers(const std::vector<std::string>& layers, const std::string& target) {
  std::vector<Fd> fds;
  std::vector<int> lower;
  for (const std::string& layer : layers) {
    fds.push_back(TRY(Open(layer, O_PATH | O_DIRECTORY)));
    lower.push_back(fds.back().get());
  }
  std::string options = LegacyOverlayOptions(lower, -1, -1, false);
  if (options.size() >= 4096) return Error("the image has too many layers for this kernel");
  constexpr unsigned long kFlags =
      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;  // NOLINT(google-runtime-int)
  if (::mount("overlay", target.c_str(), "overlay", kFlags, options.c_str()) < 0) {
    return Error::Errno("mount the overlay");
  }
  return OkStatus();
}

}  // namespace

Status MountLayers(const std::vector<std::string>& layers, const std::string& target, int map) {
  if (layers.empty()) return Error("the image has no layers");
  // An overlay wants two.
  auto make = [&] {
    return layers.size() == 1 ? CloneTree(AT_FDCWD, layers[0], false)
                              : NewOverlay({layers, "", ""}, false);
  };
  Result<Fd> tree = map < 0 ? make() : WithMappedLayers(layers, map, make);
  if (!tree && map < 0 && layers.size() > 1 && IsOldKernel(tree.error())) {
    return MountOldLayers(layers, target);
  }
  if (!tree) return std::move(tree.error());
  TRY(SetMountAttributes(tree->get(), kInert, 0, MS_PRIVATE, true));
  Fd directory = TRY(Open(target, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  return AttachMount(tree->get(), directory.get());
}

Result<PreparedRoot> PrepareRoot(const Spec& spec, const Rootfs& r, bool in_user_namespace,
                                 int map) {
  PreparedRoot out;
  if (r.lower.empty()) {
    if (spec.root_path.empty()) return Error("no root file system given");
    // Recursive, as the specification's rootfs may have mounts of its own; private, so that nothing
    // mounted later on either side shows on the other.
    out.mount = TRY(CloneTree(AT_FDCWD, spec.root_path, true).Context("root file system"));
    TRY(SetMountAttributes(out.mount.get(), 0, 0, MS_PRIVATE, true));
    return out;
  }
  if (!r.upper.empty()) {
    TRY(MakeDirs(r.upper, 0755));
    TRY(MakeDirs(r.work, 0700));
    // The upper directory's mode is that of the container's "/", whatever the caller's umask is.
    if (::chmod(r.upper.c_str(), 0755) < 0) return Error::Errno("chmod " + r.upper);
    if (r.map_owners &&
        ::lchown(r.upper.c_str(), HostId(spec.uid_mappings, 0), HostId(spec.gid_mappings, 0)) < 0) {
      return Error::Errno("chown " + r.upper);
    }
  }
  if (r.map_owners) {
    if (map < 0) return Error("the owners of layers are mapped by a user namespace only");
    // The upper layer holds the ids of the host: what the kernel makes there itself is the host's
    // root's, who is nobody in the namespace.
    auto make = [&] { return NewOverlay(r, in_user_namespace, spec.mount_label); };
    Result<Fd> mapped = WithMappedLayers(r.lower, map, make);
    if (!mapped && SoundsOld(mapped.error().message())) {
      return Error(StrCat("layers in a user namespace want Linux 6.5: ", mapped.error().message()));
    }
    out.mount = TRY(std::move(mapped));
    return out;
  }
  Result<Fd> mount = NewOverlay(r, in_user_namespace, spec.mount_label);
  if (mount) {
    out.mount = std::move(*mount);
    return out;
  }
  if (!IsOldKernel(mount.error())) return std::move(mount.error());
  out.legacy = r;
  out.user_namespace = in_user_namespace;
  out.label = spec.mount_label;
  return out;
}

Result<Fd> AttachRoot(PreparedRoot prepared) {
  if (prepared.legacy) {
    return OldOverlay(*prepared.legacy, prepared.user_namespace, prepared.label);
  }
  // Over "/": pivot_root wants its new root to be a mount in this namespace, and "/" is the one
  // directory that is sure to be there.
  Fd slash = TRY(Open("/", O_PATH | O_DIRECTORY));
  TRY(AttachMount(prepared.mount.get(), slash.get()).Context("attach the root file system"));
  return std::move(prepared.mount);
}

Status EnterRoot(int root) {
  if (::fchdir(root) < 0) return Error::Errno("enter the root file system");
  // pivot_root(2), "pivot_root(".", ".")": the old root ends up stacked on the new one and is let
  // go of from there, without a directory for it.
  if (::syscall(SYS_pivot_root, ".", ".") < 0) return Error::Errno("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) return Error::Errno("detach the host's mounts");
  if (::chdir("/") < 0) return Error::Errno("chdir /");
  return OkStatus();
}

}  // namespace kpod::runtime
