#include "pods/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "pods/volumes.h"

namespace kpod::pods {

namespace {

constexpr int64_t kBlock = 512;  // st_blocks counts these (stat(3type))

bool IsMeasured(const VolumePlan& v) { return v.kind == VolumePlan::Kind::kEmptyDir; }

// The blocks below an open directory, by descriptors and without following links: containers write
// there meanwhile. What has several names is counted several times, as du -l does; it is a limit,
// not a bill.
int64_t UsageBelow(int directory, int depth) {
  constexpr int kMostLevels = 256;  // a descriptor is open for each
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  Result<Fd> again = Dup(directory);
  if (depth > kMostLevels || !again) return 0;
  std::unique_ptr<DIR, Close> dir(::fdopendir(again->get()));
  if (!dir) return 0;
  (void)again->Release();
  int64_t bytes = 0;
  for (const dirent* e = ::readdir(dir.get()); e != nullptr; e = ::readdir(dir.get())) {
    std::string_view name = e->d_name;
    if (name == "." || name == "..") continue;
    struct stat st;
    if (::fstatat(directory, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;  // gone meanwhile
    bytes += st.st_blocks * kBlock;
    if (!S_ISDIR(st.st_mode)) continue;
    Fd below(::openat(directory, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (below) bytes += UsageBelow(below.get(), depth + 1);
  }
  return bytes;
}

int64_t UsageOf(const std::string& path) {
  Result<Fd> fd = Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return fd ? UsageBelow(fd->get(), 0) : 0;
}

// What the container's runs have written: PathsFor's "<container>.<run>.upper" and LogFile's
// "<container>.<run>.log". A container's name has no dot, so that none begins like another's.
int64_t WrittenBy(const std::string& pod_directory, const std::string& container) {
  int64_t bytes = 0;
  for (const std::string& entry : ListDir(pod_directory).value_or({})) {
    if (!entry.starts_with(container + ".")) continue;
    struct stat st;
    std::string path = JoinPath(pod_directory, entry);
    if (entry.ends_with(".upper")) {
      bytes += UsageOf(path);
    } else if (Contains(entry, ".log") && ::lstat(path.c_str(), &st) == 0) {
      bytes += st.st_blocks * kBlock;
    }
  }
  return bytes;
}

}  // namespace

bool LimitsStorage(const Plan& plan) {
  std::vector<const ContainerPlan*> all = plan.All();
  return std::any_of(all.begin(), all.end(),
                     [](const ContainerPlan* c) { return c->storage_limit.has_value(); }) ||
         std::any_of(plan.volumes.begin(), plan.volumes.end(),
                     [](const VolumePlan& v) { return IsMeasured(v) && v.size_limit > 0; });
}

StorageUsage MeasureStorage(const store::Paths& paths, const Plan& plan) {
  StorageUsage out;
  std::string dir = paths.Pod(plan.ns, plan.name);
  for (const ContainerPlan* c : plan.All()) {
    out.containers[c->name] = WrittenBy(dir, c->name);
  }
  for (const VolumePlan& v : plan.volumes) {
    if (IsMeasured(v)) out.volumes[v.name] = UsageOf(VolumePath(paths, plan, v));
  }
  return out;
}

std::string EvictionOf(const Plan& plan, const StorageUsage& usage) {
  auto at = [](const std::map<std::string, int64_t>& map, const std::string& key) {
    auto it = map.find(key);
    return it == map.end() ? 0 : it->second;
  };
  auto in_words = [](int64_t bytes) {
    bool whole = bytes % 1024 == 0;
    return kube::ParseQuantity(whole ? StrCat(bytes / 1024, "Ki") : StrCat(bytes))->text;
  };
  for (const VolumePlan& v : plan.volumes) {
    if (!IsMeasured(v) || v.size_limit <= 0 || at(usage.volumes, v.name) <= v.size_limit) continue;
    return StrCat("Usage of EmptyDir volume ", Quote(v.name), " exceeds the limit ",
                  Quote(v.size_limit_text), ". ");
  }
  int64_t total = 0;
  int64_t limit = 0;
  bool all_limited = true;
  for (const ContainerPlan* c : plan.All()) {
    total += at(usage.containers, c->name);
    limit += c->storage_limit.value_or(0);
    all_limited = all_limited && c->storage_limit;
  }
  for (const auto& [name, bytes] : usage.volumes) total += bytes;
  if (all_limited && total > limit) {
    return StrCat("Pod ephemeral local storage usage exceeds the total limit of containers ",
                  in_words(limit), ". ");
  }
  for (const ContainerPlan* c : plan.All()) {
    if (!c->storage_limit || at(usage.containers, c->name) <= *c->storage_limit) continue;
    return StrCat("Container ", c->name, " exceeded its local ephemeral storage limit ",
                  Quote(in_words(*c->storage_limit)), ". ");
  }
  return {};
}

}  // namespace kpod::pods
