// Carries out what Reconcile (workloads.h) decided, for one namespace and under its lock.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pods/lookups.h"
#include "pods/manager.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::pods {

// The five characters after a generated name, of Kubernetes' alphabet.
std::string RandomSuffix();

struct ReconcileOptions {
  bool start = true;
  // A command was killed at work here before: what stands still may be what it was to remove, and
  // starts again.
  bool interrupted = false;
  LookupOptions lookups;
};

struct ReconcileResult {
  std::vector<std::string> created, removed;
  std::vector<std::string> warnings;
};

// All or nothing for what it makes: when one pod does not start, the pods made here are removed
// again. Pods of a namespace that is unsettled (store/objects.h) are planned again; then it is
// settled.
Result<ReconcileResult> ReconcileNamespace(const store::Paths& paths, const std::string& ns,
                                           const ReconcileOptions& options);

// Stops pods side by side and waits for all. `grace` absent: each pod's own.
Status StopPods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                std::optional<int64_t> grace_seconds);
Status StopAndRemovePods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                         std::optional<int64_t> grace_seconds);
// After the last pod the machine is as it was before the first.
Status CollectNetworkGarbage(const store::Paths& paths);

}  // namespace kpod::pods
