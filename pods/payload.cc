#include "pods/payload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

bool IsPayload(const VolumePlan& v) {
  return v.kind == VolumePlan::Kind::kConfigMap || IsSecretPayload(v);
}

bool IsSecretPayload(const VolumePlan& v) {
  using Kind = VolumePlan::Kind;
  return v.kind == Kind::kSecret || v.kind == Kind::kDownward || v.kind == Kind::kProjected;
}

bool IsOfEveryNamespace(const std::string& config_map) { return config_map == "kube-root-ca.crt"; }

namespace {

// The validator refuses such paths; what is on disk may be older than the validator.
Result<std::string> InVolume(const std::string& path) {
  std::string clean = CleanPath(path);
  if (clean.starts_with("/") || clean.starts_with("..") || clean == ".") {
    return Error(StrCat("path ", Quote(path), " leaves the volume"));
  }
  return clean;
}

}  // namespace

Result<std::vector<PayloadFile>> PayloadFor(const kube::KeyedVolume& volume,
                                            const kube::StringMap& data, bool secret) {
  std::vector<PayloadFile> files;
  if (volume.items.empty()) {
    for (const auto& [key, value] : data) {
      files.push_back({key, value, volume.default_mode, std::nullopt});
    }
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
    files.push_back({TRY(InVolume(item.path)), it->second, item.mode.value_or(volume.default_mode),
                     std::nullopt});
  }
  return files;
}

namespace {

// nullopt: the object is missing, and that matters.
Result<std::optional<std::vector<PayloadFile>>> FromObject(const Lookups& lookups,
                                                           kube::KeyedVolume keyed, bool secret) {
  std::optional<kube::StringMap> data;
  if (secret) {
    if (auto found = lookups.secret(keyed.name)) data = std::move(found->data);
  } else if (auto found = lookups.config_map(keyed.name)) {
    data = std::move(found->data);
    data->merge(found->binary_data);
  } else if (IsOfEveryNamespace(keyed.name)) {
    keyed.optional = true;
  }
  if (!data && !keyed.optional) return std::optional<std::vector<PayloadFile>>();
  return std::optional(TRY(PayloadFor(keyed, data.value_or(kube::StringMap{}), secret)));
}

}  // namespace

Result<std::optional<std::vector<PayloadFile>>> PayloadOf(const Lookups& lookups,
                                                          const VolumePlan& v,
                                                          const TokenMaker& token) {
  if (v.kind == VolumePlan::Kind::kConfigMap || v.kind == VolumePlan::Kind::kSecret) {
    return FromObject(lookups, v.keyed, v.kind == VolumePlan::Kind::kSecret);
  }
  std::map<std::string, PayloadFile> files;
  for (const ProjectionPlan& p : v.projections) {
    for (const auto* keyed : {&p.config_map, &p.secret}) {
      if (!*keyed) continue;
      auto more = TRY(FromObject(lookups, **keyed, keyed == &p.secret));
      if (!more) return more;
      for (PayloadFile& f : *more) files.insert_or_assign(f.path, f);
    }
    for (const FilePlan& f : p.files) {
      std::string path = TRY(InVolume(f.path));
      files.insert_or_assign(path, PayloadFile{path, f.content, f.mode, std::nullopt});
    }
    if (!p.token) continue;
    std::string path = TRY(InVolume(p.token->path));
    files.insert_or_assign(path,
                           PayloadFile{path, TRY(token(*p.token)), p.token->mode, p.token->owner});
  }
  std::vector<PayloadFile> out;
  for (auto& [path, file] : files) out.push_back(std::move(file));
  return std::optional(std::move(out));
}

namespace {

// fsGroup gives a payload to the group and lets it read, as the kubelet's SetVolumeOwnership does
// for volumes that are written by the kubelet alone.
Status Own(const std::string& path, mode_t mode, std::optional<uint32_t> owner,
           std::optional<int64_t> fs_group, bool directory) {
  constexpr auto kSame = static_cast<uint32_t>(-1);
  auto group = fs_group ? static_cast<gid_t>(*fs_group) : kSame;
  if ((owner || fs_group) && ::lchown(path.c_str(), owner.value_or(kSame), group) < 0) {
    return Error::Errno("chown " + path);
  }
  if (fs_group) mode |= directory ? 02550 : 0440;
  if (::chmod(path.c_str(), mode) < 0) return Error::Errno("chmod " + path);
  return OkStatus();
}

Status WriteTree(const std::string& directory, const std::vector<PayloadFile>& files,
                 std::optional<int64_t> fs_group) {
  TRY(MakeDir(directory, 0755));
  TRY(Own(directory, 0755, std::nullopt, fs_group, true));
  for (const PayloadFile& f : files) {
    std::string path = JoinPath(directory, f.path);
    for (size_t at = f.path.find('/'); at != std::string::npos; at = f.path.find('/', at + 1)) {
      std::string parent = JoinPath(directory, f.path.substr(0, at));
      TRY(MakeDir(parent, 0755));
      TRY(Own(parent, 0755, std::nullopt, fs_group, true));
    }
    Fd fd = TRY(Open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(WriteAll(fd.get(), f.content).Context(path));
    TRY(Own(path, static_cast<mode_t>(f.mode) & 0777, f.owner, fs_group, false));
  }
  return OkStatus();
}

size_t CountFiles(const std::string& directory) {
  size_t count = 0;
  for (const std::string& name : ListDir(directory).value_or({})) {
    std::string path = JoinPath(directory, name);
    count += IsDirectory(path) ? CountFiles(path) : 1;
  }
  return count;
}

bool SameContent(const std::string& set, const std::vector<PayloadFile>& files) {
  for (const PayloadFile& f : files) {
    std::string path = JoinPath(set, f.path);
    struct stat st;
    if (::lstat(path.c_str(), &st) < 0 || !S_ISREG(st.st_mode) ||
        (st.st_mode & 0700) != (static_cast<mode_t>(f.mode) & 0700))
      return false;
    Result<std::string> content = ReadFile(path);
    if (!content || *content != f.content) return false;
  }
  return CountFiles(set) == files.size();
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

// What an earlier payload, or a writer that was killed, left: all of "..*" but what "..data" means.
Status RemoveOldSets(const std::string& directory) {
  char target[4096];
  ssize_t n = ::readlink((directory + "/..data").c_str(), target, sizeof(target));
  std::string_view current(target, n > 0 ? static_cast<size_t>(n) : 0);
  for (const std::string& name : TRY(ListDir(directory))) {
    if (!name.starts_with("..") || name == "..data" || name == current) continue;
    TRY(RemoveAll(JoinPath(directory, name)));
  }
  return OkStatus();
}

}  // namespace

Status WritePayload(const std::string& directory, const std::vector<PayloadFile>& files,
                    std::optional<int64_t> fs_group) {
  TRY(MakeDir(directory, 0755));
  TRY(Own(directory, 0755, std::nullopt, fs_group, true));
  std::string data = directory + "/..data";
  std::vector<std::string> wanted = TopNames(files);
  std::vector<std::string> visible = VisibleNames(directory);
  std::sort(wanted.begin(), wanted.end());
  if (Exists(data) && visible == wanted && SameContent(data + "/.", files))
    return RemoveOldSets(directory);

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
  return RemoveOldSets(directory);
}

}  // namespace kpod::pods
