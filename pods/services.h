// Services of a namespace as the machine has them: what was given to them (addresses, ports) and
// what is behind them (endpoints). Level-triggered: whoever sees a change (a command, the
// supervisor of a pod that became ready or ended) brings the whole namespace up to date; done twice
// it does nothing more, and what a killed process left is put right by whoever comes next.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/objects.h"
#include "store/paths.h"

namespace kpod::pods {

// The network's table of the namespace and the kernel's rules follow the stored objects and the
// pods there are now. Runs in the host's namespaces; takes a lock of its own, never the
// namespace's. `event`: when what has changed was written (monotonic nanoseconds); whoever has
// begun to look after that has seen it, and nothing is done again. 0: look in any case.
Status SyncServices(const store::Paths& paths, const std::string& ns, int64_t event = 0);
// Every namespace that has Services, or had some.
Status SyncAllServices(const store::Paths& paths);

}  // namespace kpod::pods
