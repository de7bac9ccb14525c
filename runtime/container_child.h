// What the child of Start does between clone3 and exec.
#pragma once

#include <vector>

#include "base/fd.h"
#include "runtime/devices.h"
#include "runtime/mounts.h"
#include "runtime/namespaces.h"
#include "runtime/process.h"
#include "runtime/rootfs.h"

namespace kpod::runtime {

struct PreparedContainer {
  const Spec* spec = nullptr;
  NamespacePlan namespaces;
  PreparedProcess process;
  PreparedRoot root;
  std::vector<PreparedMount> mounts, cgroup_mounts;
  std::vector<PreparedDevice> devices;
  Fd null_tree;
  const Cgroup* cgroup = nullptr;
};

// Returns only with the error that `socket` is to be told.
Error RunContainerChild(PreparedContainer* c, int socket);

}  // namespace kpod::runtime
