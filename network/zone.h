// What the pod's DNS answers by itself: the names of Services and pods in cluster.local and their
// addresses in reverse. Pure. Source: Kubernetes DNS-Based Service Discovery 1.1, and CoreDNS where
// that leaves a choice; pods by their own name are kpod's addition (podman's habit), and give way
// to a Service of that name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/service.h"
#include "network/state.h"

namespace kpod::network {

constexpr std::string_view kClusterDomain = "cluster.local";

struct Zone {
  std::vector<PodRecord> pods;
  std::vector<ServiceRecord> services;
  Range pod_range, service_range;  // whose reverse names are answered here
};

struct Answer {
  // SRV: where a port is served.
  struct Place {
    uint16_t port = 0;
    std::string host;
    std::vector<Address> addresses;  // of the host
  };
  bool ours = false;    // false: not in the cluster's domain, to be forwarded
  bool exists = false;  // ours and !exists: NXDOMAIN
  // CNAME, one leading to the next, without last dots; what else there is belongs to the last one.
  std::vector<std::string> aliases;
  bool leads_outside = false;  // the last alias is no name of the cluster's: ask upstream for it
  std::vector<Address> addresses;  // A and AAAA
  std::vector<Place> places;
  std::vector<std::string> names;  // PTR
  std::string text;                // TXT
};
// `name`: lower case, without the last dot. `asker`: the namespace of the pod that asks, whose
// Services and pods answer to their bare names too: programs with a resolver of their own (nginx)
// know no search list.
Answer Resolve(const std::string& name, const Zone& zone, const std::string& asker);

}  // namespace kpod::network
