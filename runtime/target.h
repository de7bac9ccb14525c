// The first process of a running container, found by the pid that was noted down when it started.
#pragma once

#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/cgroup.h"

namespace kpod::runtime {

struct Target {
  Fd pidfd;
  Fd pid_namespace;
  bool other_user_namespace = false;  // not the caller's
};

// An error when the pid is not (any more) a process of `group`, if that is given: it may be another
// process by now, even one of the host.
Result<Target> OpenTarget(pid_t pid, const Cgroup* group);

// In a child: joins these namespaces (CLONE_NEWNS ...) of the target, its user namespace too when
// that is another one, as root there. With CLONE_NEWNS root and working directory are the
// container's root afterwards.
Status JoinTarget(const Target& target, int types);

}  // namespace kpod::runtime
