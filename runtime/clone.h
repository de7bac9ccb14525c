// Children born where they belong: in a control group, a PID namespace, a user namespace.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "base/result.h"
#include "base/spawn.h"
#include "runtime/cgroup.h"

namespace kpod::runtime {

// clone3(2) into `cgroup` (may be null) with a pidfd. `pid_namespace` >= 0: the child is born in
// that one. `user_namespace` >= 0: the PID namespace that `flags` ask for belongs to that one, and
// the child is root there; it is in its v1 groups by then.
struct CloneRequest {
  uint64_t flags = 0;
  int pid_namespace = -1;
  const Cgroup* cgroup = nullptr;
  int user_namespace = -1;
};
template <class Body>
Result<Child> CloneChild(const CloneRequest& request, Body body);
Result<Child> CloneProcess(const CloneRequest& request, bool* in_child);
void KillAndReap(const Child& child);

template <class Body>
Result<Child> CloneChild(const CloneRequest& request, Body body) {
  bool in_child = false;
  Result<Child> child = CloneProcess(request, &in_child);
  if (in_child) ::_exit(body());
  return child;
}

}  // namespace kpod::runtime
