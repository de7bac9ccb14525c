// Which control group hierarchies this machine has mounted, found once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kpod::runtime {

struct Hierarchies {
  std::string v2;                                       // where cgroup2 is mounted; "": nowhere
  std::vector<std::pair<std::string, std::string>> v1;  // controller, directory
  bool v2_has_controllers = false;                      // pure v2
  bool v2_kill = false;                                 // cgroup.kill, kernel 5.14

  const std::string* V1(std::string_view controller) const;
};
const Hierarchies& HostHierarchies();

// The directory of group `path` in the hierarchy at `root`; ".." does not climb above the root.
std::string GroupBelow(const std::string& root, const std::string& path);

}  // namespace kpod::runtime
