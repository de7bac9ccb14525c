// What a container that has ended says of its end
// (status.containerStatuses[].state.terminated.message). Source: Kubernetes, "Determine the Reason
// for Pod Failure".
#pragma once

#include <string>

namespace kpod::pods {

// What the container wrote into `file`, 4096 bytes at the most. When that is nothing, the end of
// `log`; "" for a container whose log does not stand in.
std::string TerminationMessage(const std::string& file, const std::string& log);

}  // namespace kpod::pods
