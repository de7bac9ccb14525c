// Connection tracking (linux/netfilter/nfnetlink_conntrack.h).
#pragma once

#include <vector>

#include "base/result.h"
#include "network/service.h"
#include "network/state.h"

namespace kpod::network {

// Forgets the UDP flows that came to these host ports. A flow is translated by its first packet and
// a client that keeps sending keeps it alive: without this, its packets would go on to a pod that
// is gone, or past one that has just come.
Status ForgetUdpFlows(int host_net, const std::vector<PortMapping>& ports);

// A UDP flow to a Service that goes to one of its endpoints.
struct UdpTranslation {
  Address service;
  uint16_t port = 0;
  Address endpoint;
  uint16_t endpoint_port = 0;
  auto operator<=>(const UdpTranslation&) const = default;
};
std::vector<UdpTranslation> UdpTranslationsOf(const std::vector<ServiceRecord>& services);
// Forgets the flows that are translated so.
Status ForgetUdpTranslations(int node_net, const std::vector<UdpTranslation>& translations);

}  // namespace kpod::network
