// The lookups of MakePlan over what is on disk, with objects that are not stored yet laid over it
// (--dry-run).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "images/images.h"
#include "kube/object.h"
#include "pods/make_plan.h"
#include "store/objects.h"
#include "store/paths.h"

namespace kpod::pods {

struct LookupOptions {
  bool pull = true;  // fetch what is missing; else a missing image is ErrImagePull
  images::Progress progress;
  std::vector<std::string>* warnings = nullptr;  // an image that could not be refreshed ...
  // Reference -> why an attempt just now failed; with `pull` false.
  const std::map<std::string, std::string>* pull_errors = nullptr;
  bool events = false;  // what planning remarks goes into the event log
  const std::vector<store::StoredObject>* overlay = nullptr;
};

Lookups MakeLookups(const store::Paths& paths, const std::string& ns, const LookupOptions& options);

// Those of the names that there are.
std::vector<kube::Secret> SecretsNamed(const Lookups& lookups,
                                       const std::vector<std::string>& names);

}  // namespace kpod::pods
