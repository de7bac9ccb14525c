// The pods that a command line means: names, --all, or --selector.
#pragma once

#include <vector>

#include "cmd/command.h"
#include "pods/status.h"

namespace kpod::cmd {

Result<std::vector<pods::PodRecord>> SelectPods(const Invocation& in);

}  // namespace kpod::cmd
