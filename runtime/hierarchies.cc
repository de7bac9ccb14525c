#include "runtime/hierarchies.h"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include <cstdio>

#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

bool IsMagic(const std::string& path, long magic) {
  struct statfs fs;
  return ::statfs(path.c_str(), &fs) == 0 && static_cast<long>(fs.f_type) == magic;
}

bool KernelAtLeast(int major, int minor) {
  utsname u;
  int a = 0, b = 0;
  if (::uname(&u) < 0 || std::sscanf(u.release, "%d.%d", &a, &b) != 2) return false;
  return a > major || (a == major && b >= minor);
}

Hierarchies Detect() {
  Hierarchies h;
  const std::string root = "/sys/fs/cgroup";
  h.v2_kill = KernelAtLeast(5, 14);
  if (IsMagic(root, CGROUP2_SUPER_MAGIC)) {
    h.v2 = root;
    h.v2_has_controllers = true;
    return h;
  }
  if (IsMagic(root + "/unified", CGROUP2_SUPER_MAGIC)) h.v2 = root + "/unified";
  // Directories named by controller exist even where several share a hierarchy (cpu ->
  // cpu,cpuacct).
  for (const char* controller :
       {"memory", "cpu", "cpuacct", "pids", "devices", "cpuset", "freezer", "hugetlb", "blkio"}) {
    std::string dir = StrCat(root, "/", controller);
    if (IsMagic(dir, CGROUP_SUPER_MAGIC)) h.v1.emplace_back(controller, dir);
  }
  return h;
}

}  // namespace

const std::string* Hierarchies::V1(std::string_view controller) const {
  for (auto& [name, dir] : v1) {
    if (name == controller) return &dir;
  }
  return nullptr;
}

const Hierarchies& HostHierarchies() {
  static const Hierarchies found = Detect();
  return found;
}

std::string GroupBelow(const std::string& root, const std::string& path) {
  return JoinPath(root, CleanPath("/" + path));
}

}  // namespace kpod::runtime
