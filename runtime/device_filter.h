// Device rules on cgroup v2: a BPF program of type CGROUP_DEVICE (bpf-cgroup, kernel 4.15).
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

// The program's instructions for these rules, the last matching rule winning. Pure.
std::vector<bpf_insn> DeviceProgram(const std::vector<DeviceRule>& rules);

// Loads the program and attaches it to the group `cgroup_dir`; a program that is attached from
// before is replaced.
Status AttachDeviceFilter(int cgroup_dir, const std::vector<DeviceRule>& rules);

}  // namespace kpod::runtime
