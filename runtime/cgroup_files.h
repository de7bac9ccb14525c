// Limits -> the files of a control group and what is written into them. Pure. Sources: kernel
// Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/, and the runtime specification's
// config-linux.md.
#pragma once

#include <string>
#include <vector>

#include "runtime/spec.h"

namespace kpod::runtime {

struct CgroupFile {
  std::string controller;  // memory cpu cpuset pids hugetlb devices
  std::string file, value;
  bool operator==(const CgroupFile&) const = default;
};

// `version` is 1 or 2. In the order of writing. Devices are in it for v1 only: v2 filters them by a
// program (device_filter.h).
std::vector<CgroupFile> FilesFor(const Resources& resources, int version);

// cpu.weight for v1 shares: 2..262144 -> 1..10000, with 1024 at 100, both being the default.
uint64_t WeightFromShares(uint64_t shares);

// The rules as they are applied: after a "deny all" come the devices that every container may use.
std::vector<DeviceRule> EffectiveDeviceRules(const std::vector<DeviceRule>& rules);
std::string DeviceRuleText(const DeviceRule& rule);  // "c 1:3 rwm"

}  // namespace kpod::runtime
