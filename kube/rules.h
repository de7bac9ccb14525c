// The semantic rules of Kubernetes' API server: names, quantities, enums, cross-field rules, in
// Kubernetes' own words. Structure has run before (unknown and mistyped fields are gone), but the
// rules stay defensive: a value of the wrong type is skipped. Pure.
#pragma once

#include <vector>

#include "kube/node.h"
#include "kube/object.h"

namespace kpod::kube {

// Appends what is wrong with `object` to `out`, each at the line and column of the value in `root`
// (the document the object was read from), or of its nearest parent that is there. `lifted`: it was
// written in an API version that is gone, whose defaults were other ones.
void CheckRules(const Object& object, const Node& root, bool lifted, std::vector<Diagnostic>* out);

}  // namespace kpod::kube
