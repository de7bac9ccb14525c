// What the pod's DNS answers by itself: the names of pods in cluster.local and their addresses in
// reverse. Pure. Source: Kubernetes DNS-Based Service Discovery 1.1; pods by their bare name are
// kpod's addition (podman's habit).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/state.h"

namespace kpod::network {

constexpr std::string_view kClusterDomain = "cluster.local";

struct Answer {
  bool ours = false;               // false: not in the cluster's domain, to be forwarded
  bool exists = false;             // ours and !exists: NXDOMAIN
  std::vector<Ipv4> addresses;     // A
  std::vector<std::string> names;  // PTR
};
// `name`: lower case, without the last dot. `asker`: the namespace of the pod that asks, whose pods
// answer to their bare names too: programs with a resolver of their own (nginx) know no search
// list.
Answer Resolve(const std::string& name, const std::vector<PodRecord>& pods, const Range& range,
               const std::string& asker);

}  // namespace kpod::network
