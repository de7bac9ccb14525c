// /dev of a container: the nodes and links that the specification promises ("Default Devices",
// "Default File Links and symbolic links").
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct PreparedDevice {
  Device device;
  Fd tree;  // the host's node, where making one is not allowed (user namespace)
};

// Default devices and those of the specification, each path once. Empty when the specification
// brings its own /dev by a bind mount.
std::vector<Device> DevicesFor(const Spec& spec);
Result<std::vector<PreparedDevice>> PrepareDevices(const Spec& spec, bool user_namespace);
Status ApplyDevices(int root, const std::vector<PreparedDevice>& devices);

}  // namespace kpod::runtime
