#include "pods/volumes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

std::string ClaimPath(const store::Paths& paths, const std::string& ns, const std::string& claim) {
  return StrCat(paths.Volumes(), "/", ns, "_", claim);
}

std::string VolumePath(const store::Paths& paths, const Plan& plan, const VolumePlan& volume) {
  switch (volume.kind) {
    case VolumePlan::Kind::kHostPath:
      return volume.source;
    case VolumePlan::Kind::kClaim:
      return ClaimPath(paths, plan.ns, volume.source) + "/data";
    default:
      return StrCat(paths.Pod(plan.ns, plan.name), "/volumes/", volume.name);
  }
}

std::string SharedVolumePath(const store::Paths& paths, const Plan& plan,
                             const VolumePlan& volume) {
  using Kind = VolumePlan::Kind;
  if (volume.kind != Kind::kHostPath && volume.kind != Kind::kEmptyDir &&
      volume.kind != Kind::kClaim) {
    return {};
  }
  return StrCat(paths.Pod(plan.ns, plan.name), "/shared/", volume.name);
}

Result<std::vector<PayloadFile>> PayloadFor(const kube::KeyedVolume& volume,
                                            const kube::StringMap& data, bool secret) {
  std::vector<PayloadFile> files;
  if (volume.items.empty()) {
    for (const auto& [key, value] : data) files.push_back({key, value, volume.default_mode});
    return files;
  }
  for (const kube::KeyToPath& item : volume.items) {
    auto it = data.find(item.key);
    if (it == data.end()) {
      if (volume.optional) continue;
      return Error(StrCat(secret ? "references non-existent secret key: "
                                 : "configmap references non-existent config key: ",
                          item.key));
    }
    std::string clean = CleanPath(item.path);
    // The validator refuses such paths; what is on disk may be older than the validator.
    if (clean.starts_with("/") || clean.starts_with("..") || clean == ".") {
      return Error(StrCat("path ", Quote(item.path), " leaves the volume"));
    }
    files.push_back({clean, it->second, item.mode.value_or(volume.default_mode)});
  }
  return files;
}

namespace {

// fsGroup gives a payload to the group and lets it read, as the kubelet's SetVolumeOwnership does
// for volumes that are written by the kubelet alone.
Status Own(const std::string& path, mode_t mode, std::optional<int64_t> fs_group, bool directory) {
  if (fs_group) {
    if (::lchown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*fs_group)) < 0) {
      return Error::Errno("chown " + path);
    }
    mode |= directory ? 02550 : 0440;
  }
  if (::chmod(path.c_str(), mode) < 0) return Error::Errno("chmod " + path);
  return OkStatus();
}

Status WriteTree(const std::string& directory, const std::vector<PayloadFile>& files,
                 std::optional<int64_t> fs_group) {
  TRY(MakeDir(directory, 0755));
  TRY(Own(directory, 0755, fs_group, true));
  for (const PayloadFile& f : files) {
    std::string path = JoinPath(directory, f.path);
    for (size_t at = f.path.find('/'); at != std::string::npos; at = f.path.find('/', at + 1)) {
      std::string parent = JoinPath(directory, f.path.substr(0, at));
      TRY(MakeDir(parent, 0755));
      TRY(Own(parent, 0755, fs_group, true));
    }
    Fd fd = TRY(Open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(WriteAll(fd.get(), f.content).Context(path));
    TRY(Own(path, static_cast<mode_t>(f.mode) & 0777, fs_group, false));
  }
  return OkStatus();
}

bool SameContent(const std::string& directory, const std::vector<PayloadFile>& files) {
  for (const PayloadFile& f : files) {
    std::string path = JoinPath(directory, f.path);
    struct stat st;
    if (::stat(path.c_str(), &st) < 0 ||
        (st.st_mode & 0700) != (static_cast<mode_t>(f.mode) & 0700))
      return false;
    Result<std::string> content = ReadFile(path);
    if (!content || *content != f.content) return false;
  }
  return true;
}

std::vector<std::string> TopNames(const std::vector<PayloadFile>& files) {
  std::vector<std::string> names;
  for (const PayloadFile& f : files) {
    std::string top = f.path.substr(0, f.path.find('/'));
    if (std::find(names.begin(), names.end(), top) == names.end()) names.push_back(top);
  }
  return names;
}

std::vector<std::string> VisibleNames(const std::string& directory) {
  std::vector<std::string> names;
  Result<std::vector<std::string>> all = ListDir(directory);
  if (!all) return names;
  for (const std::string& name : *all) {
    if (!name.starts_with("..")) names.push_back(name);
  }
  return names;
}

}  // namespace

Status WritePayload(const std::string& directory, const std::vector<PayloadFile>& files,
                    std::optional<int64_t> fs_group) {
  TRY(MakeDir(directory, 0755));
  TRY(Own(directory, 0755, fs_group, true));
  std::string data = directory + "/..data";
  std::vector<std::string> wanted = TopNames(files);
  std::vector<std::string> visible = VisibleNames(directory);
  std::sort(wanted.begin(), wanted.end());
  if (Exists(data) && visible == wanted && SameContent(directory, files)) return OkStatus();

  char old_target[4096];
  ssize_t old_len = ::readlink(data.c_str(), old_target, sizeof(old_target) - 1);
  std::string name = StrCat("..", FormatTimeNano(NowNanos()));
  std::replace(name.begin(), name.end(), ':', '_');
  std::string fresh = JoinPath(directory, name);
  Undo remove([&] { (void)RemoveAll(fresh); });
  TRY(WriteTree(fresh, files, fs_group));

  // The swap: "..data" is a symlink, and rename(2) replaces it in one step.
  std::string temp = directory + "/..data_tmp";
  ::unlink(temp.c_str());
  if (::symlink(name.c_str(), temp.c_str()) < 0) return Error::Errno("symlink " + temp);
  if (::rename(temp.c_str(), data.c_str()) < 0) return Error::Errno("rename " + temp);
  remove.Dismiss();

  for (const std::string& top : wanted) {
    std::string link = JoinPath(directory, top);
    if (Exists(link)) continue;
    if (::symlink(("..data/" + top).c_str(), link.c_str()) < 0)
      return Error::Errno("symlink " + link);
  }
  for (const std::string& top : visible) {
    if (!std::binary_search(wanted.begin(), wanted.end(), top))
      ::unlink(JoinPath(directory, top).c_str());
  }
  if (old_len > 0) {
    old_target[old_len] = '\0';
    TRY(RemoveAll(JoinPath(directory, old_target)));
  }
  return OkStatus();
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

Status PrepareVolume(const store::Paths& paths, const Plan& plan, const VolumePlan& v) {
  if (v.kind == VolumePlan::Kind::kHostPath) return CheckHostPath(v);
  std::string path = VolumePath(paths, plan, v);
  bool writable = v.kind == VolumePlan::Kind::kEmptyDir || v.kind == VolumePlan::Kind::kClaim;
  if (!writable) return OkStatus();
  bool fresh = !Exists(path);
  TRY(MakeDirs(Dirname(path), 0700));
  TRY(MakeDir(path, 0777));
  // The umask took bits from mkdir; a claim that exists keeps what its owner set.
  if (fresh && ::chmod(path.c_str(), 0777) < 0) return Error::Errno("chmod " + path);
  if (!plan.fs_group || v.read_only) return OkStatus();
  return GiveVolumeTo(path, static_cast<gid_t>(*plan.fs_group), plan.fs_group_change_policy);
}

}  // namespace kpod::pods
