// A child that sees a container's files as the container does, to carry bytes in and out: links,
// "..", mounts and volumes mean to it what they mean there, so nothing of the container's leads it
// elsewhere (CVE-2018-15664, CVE-2019-11246). It has joined
//   - the mount (and user) namespace: its root is the container's root;
//   - the control group, so that the container's device rules and limits hold for it, too;
// and not the PID namespace: the container's processes do not see it. It keeps the capabilities
// that files of any owner want, and none else. It runs code of this program and loads nothing,
// which would come from the container (CVE-2019-14271).
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "base/spawn.h"
#include "runtime/cgroup.h"

namespace kpod::runtime {

struct AmongFilesOptions {
  pid_t target = -1;  // first process of the container (host pid)
  const Cgroup* cgroup = nullptr;
  std::vector<int> keep;  // descriptors that stay open
};

// `body` is told whether the way in worked; its value is the exit code.
Result<Child> StartAmongFiles(const AmongFilesOptions& options,
                              const std::function<int(Status entered)>& body);

}  // namespace kpod::runtime
