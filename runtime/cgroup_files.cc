#include "runtime/cgroup_files.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

constexpr uint64_t kDefaultPeriod = 100000;  // microseconds

std::string OrMax(int64_t value, const char* unlimited) {
  return value < 0 ? unlimited : StrCat(value);
}

void AddV1(const Resources& r, std::vector<CgroupFile>* out) {
  if (r.cpu_shares) out->push_back({"cpu", "cpu.shares", StrCat(*r.cpu_shares)});
  if (r.cpu_period) out->push_back({"cpu", "cpu.cfs_period_us", StrCat(*r.cpu_period)});
  if (r.cpu_quota) out->push_back({"cpu", "cpu.cfs_quota_us", OrMax(*r.cpu_quota, "-1")});
  if (r.memory_limit) {
    out->push_back({"memory", "memory.limit_in_bytes", OrMax(*r.memory_limit, "-1")});
  }
  if (r.memory_swap) {  // memory and swap together; never below the limit, so it comes after it
    out->push_back({"memory", "memory.memsw.limit_in_bytes", OrMax(*r.memory_swap, "-1")});
  }
  if (r.memory_reservation) {
    out->push_back({"memory", "memory.soft_limit_in_bytes", OrMax(*r.memory_reservation, "-1")});
  }
  for (auto& [size, limit] : r.hugepages) {
    out->push_back({"hugetlb", StrCat("hugetlb.", size, ".limit_in_bytes"), StrCat(limit)});
  }
  for (const DeviceRule& rule : EffectiveDeviceRules(r.devices)) {
    // "a" takes all of them, and the kernel wants nothing after it.
    out->push_back(
        {"devices", rule.allow ? "devices.allow" : "devices.deny", DeviceRuleText(rule)});
  }
}

void AddV2(const Resources& r, std::vector<CgroupFile>* out) {
  if (r.cpu_shares) out->push_back({"cpu", "cpu.weight", StrCat(WeightFromShares(*r.cpu_shares))});
  if (r.cpu_quota || r.cpu_period) {
    int64_t quota = r.cpu_quota.value_or(-1);
    out->push_back(
        {"cpu", "cpu.max",
         StrCat(quota <= 0 ? "max" : StrCat(quota), " ", r.cpu_period.value_or(kDefaultPeriod))});
  }
  if (r.memory_limit) {
    out->push_back({"memory", "memory.max", OrMax(*r.memory_limit, "max")});
  }
  if (r.memory_swap) {
    // v2 counts swap alone, the specification counts it together with memory.
    std::string swap = "max";
    if (*r.memory_swap >= 0 && r.memory_limit.value_or(-1) >= 0) {
      swap = StrCat(std::max<int64_t>(0, *r.memory_swap - *r.memory_limit));
    }
    out->push_back({"memory", "memory.swap.max", swap});
  }
  if (r.memory_reservation) {
    out->push_back({"memory", "memory.low", OrMax(*r.memory_reservation, "max")});
  }
  for (auto& [size, limit] : r.hugepages) {
    out->push_back({"hugetlb", StrCat("hugetlb.", size, ".max"), StrCat(limit)});
  }
  for (auto& [file, value] : r.unified) {
    out->push_back({file.substr(0, file.find('.')), file, value});
  }
}

}  // namespace

uint64_t WeightFromShares(uint64_t shares) {
  if (shares == 0) return 100;
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  // The curve through (2, 1), (1024, 100) and (262144, 10000); a straight line would make the
  // default share a third of the default weight.
  double l = std::log2(static_cast<double>(shares));
  double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  double weight = std::ceil(std::pow(10, exponent));
  return static_cast<uint64_t>(std::clamp(weight, 1.0, 10000.0));
}

std::vector<CgroupFile> FilesFor(const Resources& r, int version) {
  std::vector<CgroupFile> out;
  if (version == 1) {
    AddV1(r, &out);
  } else {
    AddV2(r, &out);
  }
  if (!r.cpuset_cpus.empty()) out.push_back({"cpuset", "cpuset.cpus", r.cpuset_cpus});
  if (!r.cpuset_mems.empty()) out.push_back({"cpuset", "cpuset.mems", r.cpuset_mems});
  if (r.pids_limit) {
    // 0 is written by tools that mean "no limit"; a container without processes makes no sense.
    out.push_back({"pids", "pids.max", *r.pids_limit <= 0 ? "max" : StrCat(*r.pids_limit)});
  }
  return out;
}

std::vector<DeviceRule> EffectiveDeviceRules(const std::vector<DeviceRule>& rules) {
  std::vector<DeviceRule> out = rules;
  auto denies_all = [](const DeviceRule& r) {
    return !r.allow && r.type == "a" && !r.major && !r.minor;
  };
  auto deny = std::find_if(out.begin(), out.end(), denies_all);
  if (deny == out.end()) return out;
  std::vector<DeviceRule> defaults;
  // Making a node is no access to it: CAP_MKNOD decides, as with the ecosystem's runtimes.
  defaults.push_back({true, "c", std::nullopt, std::nullopt, "m"});
  defaults.push_back({true, "b", std::nullopt, std::nullopt, "m"});
  for (const Device& d : DefaultDevices()) {
    defaults.push_back({true, d.type, d.major, d.minor, "rwm"});
  }
  defaults.push_back({true, "c", 5, 1, "rwm"});               // console
  defaults.push_back({true, "c", 5, 2, "rwm"});               // ptmx
  defaults.push_back({true, "c", 136, std::nullopt, "rwm"});  // pts
  out.insert(deny + 1, defaults.begin(), defaults.end());
  return out;
}

std::string DeviceRuleText(const DeviceRule& r) {
  if (r.type == "a" && !r.major && !r.minor) return "a";
  auto number = [](const std::optional<int64_t>& n) { return n && *n >= 0 ? StrCat(*n) : "*"; };
  return StrCat(r.type, " ", number(r.major), ":", number(r.minor), " ",
                r.access.empty() ? "rwm" : r.access);
}

}  // namespace kpod::runtime
