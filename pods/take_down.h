// Objects and their pods, out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/object.h"
#include "pods/manager.h"
#include "store/paths.h"

namespace kpod::pods {

// With the namespaces' locks held.
Result<ApplyResult> TakeDown(const store::Paths& paths, const std::vector<kube::Object>& given,
                             bool force, std::optional<int64_t> grace_seconds);

// Likewise: what a command that was killed in between left of pods whose objects it had removed. An
// object of the same name that comes now is another one, and gets pods of its own.
Status FinishTakeDown(const store::Paths& paths, const std::vector<std::string>& namespaces);

}  // namespace kpod::pods
