// What Start and Exec share on the parent's side.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/container.h"

namespace kpod::runtime {

// Forks into new namespaces, the group (v2 here, v1 by the child itself) and the process id
// namespace
// (-1: the caller's). `body` does not come back.
Result<Child> CloneChild(uint64_t flags, const Cgroup* cgroup, int pid_namespace,
                         const std::function<void()>& body);
// Reads the handshake to its end; on failure the child is killed and reaped.
Result<Started> Await(Child child, Fd socket, const std::function<Status()>& write_id_maps);

}  // namespace kpod::runtime
