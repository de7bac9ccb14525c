#include "runtime/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "runtime/cgroup_files.h"
#include "runtime/device_filter.h"
#include "runtime/hierarchies.h"
#include "runtime/namespaces.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

bool HasThreads() {
  struct stat st;
  return ::stat("/proc/self/task", &st) == 0 && st.st_nlink > 3;
}

std::set<std::string> NeededControllers(const std::vector<CgroupFile>& files) {
  std::set<std::string> out;
  for (const CgroupFile& f : files) out.insert(f.controller);
  return out;
}

// v2: a controller must be switched on in every group above (cgroup-v2.rst, "Enabling and
// Disabling"). Each alone: one that is missing must not keep the others away.
void EnableControllers(const std::string& root, const std::string& path) {
  std::vector<std::string> parents = Split(path, '/');
  std::string dir = root;
  for (const std::string& part : parents) {
    if (part.empty()) continue;
    std::string available = ReadFile(dir + "/cgroup.controllers", 4096).value_or("");
    std::string enabled = ReadFile(dir + "/cgroup.subtree_control", 4096).value_or("");
    std::vector<std::string> on = Split(Trim(enabled), ' ');
    for (const std::string& c : Split(Trim(available), ' ')) {
      static const std::set<std::string> wanted = {"cpu",  "cpuset",  "io",
                                                   "pids", "hugetlb", "memory"};
      if (wanted.count(c) == 0 || std::find(on.begin(), on.end(), c) != on.end()) continue;
      (void)WriteFile(dir + "/cgroup.subtree_control", "+" + c);  // limits that need it will warn
    }
    dir = JoinPath(dir, part);
    if (::mkdir(dir.c_str(), 0755) < 0 && errno != EEXIST) return;
  }
}

// v1: a new group of cpuset has no processors and no memory, and takes no process, until it is
// given some.
void InheritCpuset(const std::string& root, const std::string& path) {
  std::string dir = root;
  for (const std::string& part : Split(path, '/')) {
    if (part.empty()) continue;
    std::string parent = dir;
    dir = JoinPath(dir, part);
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
      std::string own = ReadFile(dir + file, 65536).value_or("");
      if (!Trim(own).empty()) continue;
      (void)WriteFile(dir + file, ReadFile(parent + file, 65536).value_or(""));
    }
  }
}

Status MakeGroup(const std::string& path, const std::set<std::string>& needed) {
  const Hierarchies& h = HostHierarchies();
  if (h.v2.empty() && h.v1.empty()) return Error("no cgroup hierarchy is mounted");
  for (auto& [controller, root] : h.v1) {
    // memory is joined for its statistics. cpuacct and freezer only do what v2 does better.
    bool stats = controller == "memory" || (controller == "cpuacct" && h.v2.empty()) ||
                 (controller == "freezer" && (h.v2.empty() || !h.v2_kill));
    if (!stats && needed.count(controller) == 0) continue;
    TRY(MakeDirs(GroupBelow(root, path), 0755));
    if (controller == "cpuset") InheritCpuset(root, path);
  }
  if (h.v2.empty()) return OkStatus();
  TRY(MakeDirs(GroupBelow(h.v2, path), 0755));
  if (h.v2_has_controllers) EnableControllers(h.v2, path);
  return OkStatus();
}

void Warn(std::vector<std::string>* warnings, std::string text) {
  if (warnings != nullptr) warnings->push_back("cgroup: " + std::move(text));
}

Status WriteLimit(const std::string& dir, const CgroupFile& f) {
  return WriteFile(StrCat(dir, "/", f.file), f.value);
}

// Applies v1 files, or v2 ones: a new limit below the old swap limit must be written before it, one
// above it after it; whichever fails first is tried again after the rest.
void ApplyFiles(const std::string& path, const std::vector<CgroupFile>& files, int version,
                std::vector<std::string>* warnings) {
  const Hierarchies& h = HostHierarchies();
  std::vector<std::pair<std::string, const CgroupFile*>> again;
  std::set<std::string> missing;
  for (const CgroupFile& f : files) {
    if (f.controller == "devices") continue;  // a wall and no limit: FilterDevices
    const std::string* root = version == 2 ? &h.v2 : h.V1(f.controller);
    if (root == nullptr) {
      if (missing.insert(f.controller).second) {
        Warn(warnings,
             StrCat("this machine has no ", f.controller, " controller: ", f.file, " is not set"));
      }
      continue;
    }
    std::string dir = GroupBelow(*root, path);
    if (!WriteLimit(dir, f)) again.emplace_back(dir, &f);
  }
  for (auto& [dir, f] : again) {
    Status s = WriteLimit(dir, *f);
    if (s) continue;
    // Without swap there is nothing to limit.
    bool swap = Contains(f->file, "memsw") || Contains(f->file, "swap");
    if (swap && s.error().code() == ENOENT) continue;
    Warn(warnings,
         StrCat("cannot set ", f->file, " to ", f->value, ": ", std::strerror(s.error().code())));
  }
}

// Rules for devices are a wall: a container that may make nodes (CAP_MKNOD), or whose image brings
// some, reaches the machine's disks without them. So what cannot be applied is an error.
Status FilterDevices(const std::string& path, const std::vector<CgroupFile>& files,
                     const std::vector<DeviceRule>& rules) {
  const Hierarchies& h = HostHierarchies();
  if (const std::string* root = h.V1("devices")) {
    for (const CgroupFile& f : files) {
      if (f.controller == "devices") TRY(WriteLimit(GroupBelow(*root, path), f));
    }
    return OkStatus();
  }
  if (h.v2.empty()) return Error("this machine has no devices controller");
  Fd dir = TRY(
      Open(GroupBelow(h.v2, path), O_RDONLY | O_DIRECTORY));  // a program works on a hybrid, too
  return AttachDeviceFilter(dir.get(), EffectiveDeviceRules(rules));
}

bool DeniesDevices(const std::vector<DeviceRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const DeviceRule& r) { return !r.allow; });
}

}  // namespace

std::string CgroupVersion() {
  const Hierarchies& h = HostHierarchies();
  if (h.v2_has_controllers) return "v2";
  if (h.v1.empty() && h.v2.empty()) return "none";
  return h.v2.empty() ? "v1" : "hybrid";
}

Cgroup Cgroup::At(const std::string& path) { return Cgroup(CleanPath("/" + path)); }

Result<Cgroup> Cgroup::Create(const std::string& path, const Resources& resources,
                              std::vector<std::string>* warnings) {
  Cgroup group = At(path);
  if (group.path_ == "/") return Error("cgroup: the root is not ours");
  int version = HostHierarchies().v2_has_controllers ? 2 : 1;
  Undo remove([&] { (void)group.Remove(); });
  TRY(MakeGroup(group.path_, NeededControllers(FilesFor(resources, version)))
          .Context("cgroup " + path));
  TRY(group.Update(resources, warnings));
  remove.Dismiss();
  return group;
}

Status Cgroup::Update(const Resources& resources, std::vector<std::string>* warnings) const {
  const Hierarchies& h = HostHierarchies();
  int version = h.v2_has_controllers ? 2 : 1;
  std::vector<CgroupFile> files = FilesFor(resources, version);
  if (version == 1) {
    TRY(MakeGroup(path_, NeededControllers(files)));
    if (!resources.unified.empty()) Warn(warnings, "this machine has no cgroup v2 controllers");
  }
  ApplyFiles(path_, files, version, warnings);
  if (resources.devices.empty()) return OkStatus();
  Status filtered = FilterDevices(path_, files, resources.devices);
  // In a user namespace the kernel refuses device nodes by itself.
  if (filtered || InUserNamespace() || !DeniesDevices(resources.devices)) return OkStatus();
  return std::move(filtered).Context("devices cannot be kept from the container");
}

Result<Fd> Cgroup::OpenV2() const {
  const Hierarchies& h = HostHierarchies();
  if (h.v2.empty()) return Fd();
  return Open(GroupBelow(h.v2, path_), O_RDONLY | O_DIRECTORY);
}

Status Cgroup::EnterV1() const {
  const char* file = HasThreads() ? "/cgroup.procs" : "/tasks";
  for (auto& [controller, root] : HostHierarchies().v1) {
    Status s = WriteFile(GroupBelow(root, path_) + file, "0");
    if (!s && s.error().code() != ENOENT) return std::move(s).Context("enter cgroup");
  }
  return OkStatus();
}

Status Cgroup::Enter() const {
  TRY(EnterV1());
  const Hierarchies& h = HostHierarchies();
  if (h.v2.empty()) return OkStatus();
  return WriteFile(GroupBelow(h.v2, path_) + "/cgroup.procs", "0").Context("enter cgroup");
}

Result<Child> Cgroup::ForkInto(const std::function<int()>& body) const {
  Fd dir = TRY(OpenV2());
  clone_args args{};
  int pidfd = -1;
  args.flags = CLONE_PIDFD | (dir ? CLONE_INTO_CGROUP : 0);
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = dir ? static_cast<uint64_t>(dir.get()) : 0;
  pid_t pid = Clone3(&args);
  if (pid < 0) return Error::Errno("clone3 into cgroup " + path_);
  if (pid == 0) ::_exit(EnterV1() ? body() : kExitFailure);
  return Child{pid, Fd(pidfd)};
}

}  // namespace kpod::runtime
