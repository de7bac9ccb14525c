// skopeo as a child: it ends when the helper does, and when the helper is interrupted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kpod::images {

// Its standard output. `tick` (may be null) is called while it works and says after how many
// milliseconds again; its error ends the work. The error is the reason it gave, in one
// sentence; exit code 127: it is not installed.
Result<std::string> RunSkopeo(std::vector<std::string> argv,
                              const std::function<Result<int>()>& tick);

}  // namespace kpod::images
