// A pod's directories: made before its supervisor starts, removed after it has ended. plan.json is
// written last and removed first, so that a directory without it is half-made and whoever finds it
// clears it away.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pods/lookups.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

// Volumes that cannot be prepared block the pod (plan->blocked), as a failed mount makes a pod wait
// in a cluster.
Status WritePod(const store::Paths& paths, const Lookups& lookups, Plan* plan);
// The same for a pod that exists: volumes follow their objects, plan.json is replaced.
Status RewritePod(const store::Paths& paths, const Lookups& lookups, Plan* plan);
// Kills what is left, releases the network, removes the directories. For pods whose supervisor has
// ended; takes the pod's flock, so that a supervisor that is just starting cannot slip in. "Busy"
// (EWOULDBLOCK) when it lives.
Status RemovePodFiles(const store::Paths& paths, const std::string& ns, const std::string& name);
// Processes, cgroup, network and writable layers of a pod whose supervisor died; its logs and plan
// stay.
Status ReleasePod(const store::Paths& paths, const std::string& ns, const std::string& name);

}  // namespace kpod::pods
