// Host ports: who has one, and whether it can be had.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/service.h"
#include "network/state.h"

namespace kpod::network {

// "8080/tcp", "127.0.0.1:53/udp".
std::string Describe(const PortMapping& port);
// Whether both cannot stand at once: the same port and protocol on an address that both have.
bool Conflict(const PortMapping& a, const PortMapping& b);
// Two of the same pod, or one with another pod's: the sentence that says so. Pure.
Status CheckAgainst(const std::vector<PodRecord>& pods, const PodRecord& own);
// One with what a Service was given: its node ports, and a LoadBalancer's own ports. Pure.
Status CheckAgainstServices(const std::vector<Allocation>& services, const PodRecord& own);
// A port that a process of the host listens on would be taken from it in silence.
Status CheckFree(int host_net, const PortMapping& port);

}  // namespace kpod::network
