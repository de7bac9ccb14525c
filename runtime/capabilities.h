// Capability sets by libcap (capabilities(7)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct CapabilityMasks {
  uint64_t bounding = 0, effective = 0, inheritable = 0, permitted = 0, ambient = 0;
};

// Names -> masks. What the kernel does not know or the caller does not hold (`held`) is left out
// with a warning, as the specification says.
Result<CapabilityMasks> ResolveCapabilities(const CapabilitySets& sets, uint64_t held,
                                            std::vector<std::string>* warnings);
uint64_t HeldCapabilities();  // permitted and in the bounding set
uint64_t AllCapabilityBits();

// The steps of the child, in this order. CAP_SETPCAP is needed for the first.
Status DropBounding(uint64_t keep);
Status RaiseEffective();  // everything permitted; after a change of ids has cleared it
Status SetCapabilities(const CapabilityMasks& masks);

}  // namespace kpod::runtime
