// The drivers there are, for MakeDriver and for the collection of garbage.
#pragma once

#include <memory>

#include "network/driver.h"
#include "network/node.h"

namespace kpod::network {

Result<std::unique_ptr<Driver>> MakeNativeDriver(const store::Paths& paths);
Result<std::unique_ptr<Driver>> MakeHostDriver(const store::Paths& paths);

// Native's Detach; the network's lock is held.
Status DetachNative(const store::Paths& paths, const HostNamespaces& host,
                    const std::string& pod_id);

}  // namespace kpod::network
