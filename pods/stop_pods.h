// Pods' ends, as commands bring them about: their supervisors are asked, and what they leave goes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::pods {

// Stops pods side by side and waits for all. `grace` absent: each pod's own.
Status StopPods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                std::optional<int64_t> grace_seconds);
Status StopAndRemovePods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                         std::optional<int64_t> grace_seconds);
// After the last pod the machine is as it was before the first.
Status CollectNetworkGarbage(const store::Paths& paths);

}  // namespace kpod::pods
