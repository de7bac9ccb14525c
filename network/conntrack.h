// Connection tracking (linux/netfilter/nfnetlink_conntrack.h).
#pragma once

#include <vector>

#include "base/result.h"
#include "network/state.h"

namespace kpod::network {

// Forgets the UDP flows that came to these host ports. A flow is translated by its first packet and
// a client that keeps sending keeps it alive: without this, its packets would go on to a pod that
// is gone, or past one that has just come.
Status ForgetUdpFlows(int host_net, const std::vector<PortMapping>& ports);

}  // namespace kpod::network
