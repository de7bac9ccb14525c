// Desired state: applied objects, one JSON file an object, by namespace/kind/name. Written under
// the namespace's lock, read without one (rename makes each file whole).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/result.h"
#include "store/paths.h"

namespace kpod::store {

struct StoredObject {
  std::string ns, kind, name;  // ns "" for cluster-scoped kinds (kept below "_cluster")
  Json object;                 // normalized, as kube::Load returned it
  std::string source;  // the file it was played from, absolute; "-" for standard input; a URL
  std::string uid;     // given at the first apply, kept through updates
  int64_t created_nanos = 0;
  int64_t generation = 1;  // counts changes
};

class ObjectStore {
 public:
  explicit ObjectStore(Paths paths) : paths_(std::move(paths)) {}
  Result<std::optional<StoredObject>> Get(const std::string& ns, const std::string& kind,
                                          const std::string& name) const;
  Result<std::vector<StoredObject>> List(const std::string& ns = "",
                                         const std::string& kind = "") const;  // "": all
  Status Put(const StoredObject& object) const;
  Status Delete(const std::string& ns, const std::string& kind, const std::string& name) const;
  // Held while desired state changes and while workloads of the namespace are reconciled.
  Result<FileLock> LockNamespace(const std::string& ns) const;
  // An error with code() EWOULDBLOCK when somebody holds it.
  Result<FileLock> TryLockNamespace(const std::string& ns) const;

 private:
  std::string PathOf(const std::string& ns, const std::string& kind, const std::string& name) const;
  Paths paths_;
};

}  // namespace kpod::store
