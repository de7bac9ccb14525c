// An overlay takes its layers as they are mounted. Where their owners are to be mapped, they are
// mounted so over themselves for as long as it takes, in a child with a mount namespace of its own:
// nobody else sees it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

// What `make` (run in the child) mounts of `layers`, detached.
Result<Fd> WithMappedLayers(const std::vector<std::string>& layers, int user_namespace,
                            const std::function<Result<Fd>()>& make);

}  // namespace kpod::runtime
