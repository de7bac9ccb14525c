// Talking with kpod-helper: it answers with one JSON value a line on its standard output, progress
// first and the result last; an error is one sentence on its standard error.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "images/images.h"

namespace kpod::images {

// {"progress":"layer 1/3","done":1,"total":2} ... {"result":...}
Result<Json> CallHelper(const std::vector<std::string>& arguments, bool inherit_stdin,
                        const Progress& progress);

}  // namespace kpod::images
