// The ids of the host that a pod with a user namespace of its own (hostUsers: false) has: 65,536 in
// one piece, shared with no other pod. They are the pod's as long as its directory says so.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pods/plan.h"
#include "runtime/spec.h"
#include "store/paths.h"

namespace kpod::pods {

constexpr uint32_t kUserRangeSize = 65536;

struct IdBlock {
  uint64_t first = 0, count = 0;
  bool operator==(const IdBlock&) const = default;
};
// The lines "NAME:FIRST:COUNT" of subuid(5) that are of `name`. Pure.
std::vector<IdBlock> SubordinateIds(std::string_view text, std::string_view name);
// Those that pods may have: of the user "kubelet", else of "containers", for users and groups
// alike, as Kubernetes and Podman have it; where neither is there, what systemd's table of ids
// leaves free above the ranges of containers. Pure.
std::vector<IdBlock> IdBlocksFor(std::string_view subuid, std::string_view subgid);
// The first id of a whole range that no other has; the search begins at range `start`, so that two
// roots on one machine come upon different ones. Pure.
std::optional<uint32_t> FreeUserRange(const std::vector<IdBlock>& blocks,
                                      const std::set<uint32_t>& taken, uint64_t start);

// The pod's own, taken now if it has none yet; the namespace's map.
Result<std::vector<runtime::IdMap>> TakeUserRange(const store::Paths& paths, const Plan& plan);

}  // namespace kpod::pods
