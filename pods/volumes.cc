#include "pods/volumes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "base/files.h"
#include "base/text.h"
#include "runtime/rootfs.h"

namespace kpod::pods {

std::string ClaimPath(const store::Paths& paths, const std::string& ns, const std::string& claim) {
  return StrCat(paths.Volumes(), "/", ns, "_", claim);
}

bool IsOnDisk(const VolumePlan& v) {
  using Kind = VolumePlan::Kind;
  return v.kind == Kind::kEmptyDir || v.kind == Kind::kEphemeral || v.kind == Kind::kClaim;
}

std::string MountFailure(const VolumePlan& v) {
  return StrCat("MountVolume.SetUp failed for volume \"", v.name, "\" ");
}

std::string VolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume) {
  switch (volume.kind) {
    case VolumePlan::Kind::kHostPath:
      return volume.source;
    case VolumePlan::Kind::kClaim:
      return ClaimPath(paths, plan.ns, volume.source) +
             (volume.block_bytes > 0 ? "/block" : "/data");
    default:
      return StrCat(paths.Pod(plan.ns, plan.name), "/volumes/", volume.name);
  }
}

std::string SharedVolumePath(const store::Paths& paths, const Plan& plan,
                             const VolumePlan& volume) {
  if (volume.kind != VolumePlan::Kind::kHostPath && !IsOnDisk(volume)) return {};
  return StrCat(paths.Pod(plan.ns, plan.name), "/shared/", volume.name);
}

namespace {

Status CheckHostPath(const VolumePlan& v) {
  const std::string& type = v.host_path_type;
  const std::string& path = v.source;
  struct stat st;
  bool there = ::stat(path.c_str(), &st) == 0;
  if (!there && errno != ENOENT) return Error::Errno("hostPath " + path);
  if (!there && (type.empty() || type == "DirectoryOrCreate")) return MakeDirs(path, 0755);
  if (!there && type == "FileOrCreate") {
    // Kubernetes makes the file and not its directory.
    TRY(Open(path, O_WRONLY | O_CREAT | O_EXCL, 0644));
    return OkStatus();
  }
  auto want = [&](bool is, const char* what) -> Status {
    if (there && is) return OkStatus();
    return Error(StrCat("hostPath type check failed: ", path, " is not a ", what));
  };
  if (type == "Directory" || type == "DirectoryOrCreate")
    return want(there && S_ISDIR(st.st_mode), "directory");
  if (type == "File" || type == "FileOrCreate") return want(there && S_ISREG(st.st_mode), "file");
  if (type == "Socket") return want(there && S_ISSOCK(st.st_mode), "socket file");
  if (type == "CharDevice") return want(there && S_ISCHR(st.st_mode), "character device");
  if (type == "BlockDevice") return want(there && S_ISBLK(st.st_mode), "block device");
  return OkStatus();
}

}  // namespace

namespace {

Status GiveTo(int fd, gid_t group, mode_t mode) {
  if (::fchown(fd, static_cast<uid_t>(-1), group) < 0) return Error::Errno("chown");
  if (::fchmod(fd, mode & 07777) < 0) return Error::Errno("chmod");
  return OkStatus();
}

// The tree below an open directory. By descriptors and without following links: what is in a volume
// was written by containers.
Status GiveTreeTo(int directory, gid_t group, int depth) {
  constexpr int kMostLevels = 256;  // a descriptor is open for each
  if (depth > kMostLevels) return Error("more than 256 directories deep");
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  Fd again = TRY(Dup(directory));
  std::unique_ptr<DIR, Close> dir(::fdopendir(again.get()));
  if (!dir) return Error::Errno("opendir");
  (void)again.Release();
  for (const dirent* e = ::readdir(dir.get()); e != nullptr; e = ::readdir(dir.get())) {
    std::string_view name = e->d_name;
    if (name == "." || name == "..") continue;
    struct stat st;
    if (::fstatat(directory, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;  // gone meanwhile
    bool folder = S_ISDIR(st.st_mode);
    if (!folder && !S_ISREG(st.st_mode)) {
      // A link or a socket has no mode that would need it; one that vanished needs nothing.
      if (::fchownat(directory, e->d_name, static_cast<uid_t>(-1), group, AT_SYMLINK_NOFOLLOW) <
              0 &&
          errno != ENOENT) {
        return Error::Errno(StrCat("chown ", name));
      }
      continue;
    }
    Fd fd(::openat(directory, e->d_name,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (folder ? O_DIRECTORY : 0)));
    if (!fd) continue;
    TRY(GiveTo(fd.get(), group, st.st_mode | (folder ? 02770 : 0660)).Context(std::string(name)));
    if (folder) TRY(GiveTreeTo(fd.get(), group, depth + 1));
  }
  return OkStatus();
}

// The kubelet's SetVolumeOwnership for volumes that containers write into.
Status GiveVolumeTo(const std::string& path, gid_t group, const std::string& policy) {
  Fd fd = TRY(Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return Error::Errno("stat " + path);
  constexpr mode_t kWanted = 02770;
  bool matches = st.st_gid == group && (st.st_mode & kWanted) == kWanted;
  if (matches && policy == "OnRootMismatch") return OkStatus();
  TRY(GiveTreeTo(fd.get(), group, 0).Context(path));
  // The root last: that it matches says that all below it does.
  return GiveTo(fd.get(), group, st.st_mode | kWanted).Context(path);
}

}  // namespace

namespace {

// Sparse: it takes what is written. A claim grows and never shrinks.
Status PrepareBlockFile(const std::string& path, int64_t bytes) {
  Fd fd = TRY(Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return Error::Errno("stat " + path);
  if (st.st_size < bytes && ::ftruncate(fd.get(), bytes) < 0)
    return Error::Errno("truncate " + path);
  return OkStatus();
}

}  // namespace

Status MountImageVolumes(const store::Paths& paths, const Plan& plan, int user_namespace,
                         std::set<std::string>* mounted) {
  for (const VolumePlan& v : plan.volumes) {
    if (v.layers.empty() || mounted->contains(v.name)) continue;
    std::string path = VolumePath(paths, plan, v);
    TRY(MakeDirs(path, 0700));
    TRY(runtime::MountLayers(v.layers, path, user_namespace).Context(MountFailure(v)));
    mounted->insert(v.name);
  }
  return OkStatus();
}

Status PrepareVolume(const store::Paths& paths, const Plan& plan, const VolumePlan& v) {
  if (v.kind == VolumePlan::Kind::kHostPath) return CheckHostPath(v);
  std::string path = VolumePath(paths, plan, v);
  if (!IsOnDisk(v)) return OkStatus();
  bool fresh = !Exists(path);
  TRY(MakeDirs(Dirname(path), 0700));
  if (v.block_bytes > 0) return PrepareBlockFile(path, v.block_bytes);
  TRY(MakeDir(path, 0777));
  // The umask took bits from mkdir; a claim that exists keeps what its owner set.
  if (fresh && ::chmod(path.c_str(), 0777) < 0) return Error::Errno("chmod " + path);
  if (!plan.fs_group || v.read_only) return OkStatus();
  return GiveVolumeTo(path, static_cast<gid_t>(*plan.fs_group), plan.fs_group_change_policy);
}

}  // namespace kpod::pods
