// skopeo as a child: it ends when the helper does, and when the helper is interrupted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kpod::images {

// Its standard output. `tick` is called while it works. The error is the reason it gave, in one
// sentence; exit code 127: it is not installed.
Result<std::string> RunSkopeo(std::vector<std::string> argv, const std::function<void()>& tick);

}  // namespace kpod::images
