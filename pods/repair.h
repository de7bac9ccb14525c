// What a crash left of pods, found and mended: half-made pods go, what a dead supervisor had is
// taken back, and its pod says that it was lost.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "store/paths.h"

namespace kpod::pods {

// `held`: the namespaces whose locks the caller has; of others, those that are free are looked at.
// Cheap when nothing is wrong.
Status RepairPods(const store::Paths& paths, const std::set<std::string>& held = {});

}  // namespace kpod::pods
