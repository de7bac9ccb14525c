// Carries out what Reconcile (workloads.h) decided, for one namespace and under its lock.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pods/lookups.h"
#include "pods/manager.h"
#include "pods/nursery.h"
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
  Nursery* nursery = nullptr;  // one that the caller has prepared
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

}  // namespace kpod::pods
