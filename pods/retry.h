// What a supervisor has done in the host's namespaces, by processes of their own.
//
// What a pod waits for and nobody will tell of: an image that could not be pulled, a path of the
// host that was not there. Its supervisor tries again, as the kubelet does: after 10 s, doubling to
// 5 min. (A Secret or ConfigMap that comes is told of by the command that applied it.)
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "pods/plan.h"
#include "pods/sandbox.h"
#include "store/paths.h"

namespace kpod::pods {

bool WaitsForRetry(const Plan& plan);
// `attempt` counts from 0.
int64_t RetryDelayNanos(int attempt);

// The attempt, in a process of its own: a pull takes minutes and the supervisor serves meanwhile.
// It runs in the host's namespaces, holds nothing of the pod and dies with the supervisor. Images
// are pulled first, then the namespace is planned anew under its lock; the supervisor hears of it
// by "reload" like of any other change.
Result<Child> StartRetry(const store::Paths& paths, const Plan& plan, const Sandbox& sandbox);

// A pod of a workload has failed for good: its namespace is reconciled, so that another takes its
// place. The process outlives the supervisor, which calls this last, without its flock.
Status StartReplacement(const store::Paths& paths, const Plan& plan, const Sandbox& sandbox);

}  // namespace kpod::pods
