// What attach and debug share: this terminal, or these pipes, at a container.
#pragma once

#include "base/result.h"
#include "pods/attach_client.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::cmd {

// Until it ends (its exit code) or the user leaves (0). `quiet`: only what the container writes.
Result<int> RunAttached(const store::Paths& paths, const pods::PodRecord& pod,
                        pods::AttachRequest request, bool quiet);

}  // namespace kpod::cmd
