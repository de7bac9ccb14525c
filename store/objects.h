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

// A file that is there and cannot be read as an object: a power cut left it empty, somebody wrote
// into it. Which object it was is in its path.
struct DamagedObject {
  std::string ns, kind, name;
  std::string why;  // a sentence that names the file
};

class ObjectStore {
 public:
  explicit ObjectStore(Paths paths) : paths_(std::move(paths)) {}
  // An error with code() EBADMSG when the object is there and damaged.
  Result<std::optional<StoredObject>> Get(const std::string& ns, const std::string& kind,
                                          const std::string& name) const;
  // "": all. One that is damaged does not make the others unreadable: it is told apart.
  Result<std::vector<StoredObject>> List(const std::string& ns = "", const std::string& kind = "",
                                         std::vector<DamagedObject>* damaged = nullptr) const;
  // With Unsettle called before for its namespace.
  Status Put(const StoredObject& object) const;
  Status Delete(const std::string& ns, const std::string& kind, const std::string& name) const;
  // From the first change of a namespace's objects until its pods follow them. Who finds a
  // namespace unsettled knows that a command was killed in between, and that what pods were made of
  // may have changed.
  Status Unsettle(const std::string& ns) const;
  bool IsUnsettled(const std::string& ns) const;
  Status Settle(const std::string& ns) const;
  // Held while desired state changes and while workloads of the namespace are reconciled. Whoever
  // gets it clears away the half-written files of a holder that was killed.
  Result<FileLock> LockNamespace(const std::string& ns) const;
  // An error with code() EWOULDBLOCK when somebody holds it.
  Result<FileLock> TryLockNamespace(const std::string& ns) const;

 private:
  std::string MarkOf(const std::string& ns, bool settled) const;
  void Sweep(const std::string& ns) const;
  std::string PathOf(const std::string& ns, const std::string& kind, const std::string& name) const;
  Paths paths_;
};

}  // namespace kpod::store
