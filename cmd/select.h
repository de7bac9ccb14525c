// The pods that a command line means: names, --all, or --selector.
#pragma once

#include <vector>

#include "cmd/command.h"
#include "pods/status.h"

namespace kpod::cmd {

// "web", "pod/web", "shop/web" (a namespace's), or "deployment/web" (all of its pods, first name
// first). A name that nothing has is an error with the nearest one.
Result<std::vector<pods::PodRecord>> PodsByName(const Invocation& in, const std::string& word);
// The same where one pod is wanted: the first.
Result<pods::PodRecord> PodByName(const Invocation& in, const std::string& word);

Result<std::vector<pods::PodRecord>> SelectPods(const Invocation& in);

}  // namespace kpod::cmd
