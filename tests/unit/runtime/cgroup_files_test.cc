#include "runtime/cgroup_files.h"

#include <gtest/gtest.h>

namespace kpod::runtime {

void PrintTo(const CgroupFile& f, std::ostream* out) { *out << f.file << "=" << f.value; }

namespace {

DeviceRule Rule(bool allow) {
  DeviceRule r;
  r.allow = allow;
  return r;
}

struct Case {
  const char* name;
  Resources resources;
  std::vector<CgroupFile> v1, v2;
};

template <class F>
Resources With(F set) {
  Resources r;
  set(r);
  return r;
}

std::vector<Case> Cases() {
  return {
      {"nothing", Resources(), {}, {}},
      {"shares",
       With([](Resources& r) { r.cpu_shares = 1024; }),
       {{"cpu", "cpu.shares", "1024"}},
       {{"cpu", "cpu.weight", "100"}}},
      {"quota",
       With([](Resources& r) { r.cpu_quota = 50000; }),
       {{"cpu", "cpu.cfs_quota_us", "50000"}},
       {{"cpu", "cpu.max", "50000 100000"}}},
      {"quota of a period",
       With([](Resources& r) {
         r.cpu_quota = 5000;
         r.cpu_period = 10000;
       }),
       {{"cpu", "cpu.cfs_period_us", "10000"}, {"cpu", "cpu.cfs_quota_us", "5000"}},
       {{"cpu", "cpu.max", "5000 10000"}}},
      {"no quota",
       With([](Resources& r) { r.cpu_quota = -1; }),
       {{"cpu", "cpu.cfs_quota_us", "-1"}},
       {{"cpu", "cpu.max", "max 100000"}}},
      {"memory",
       With([](Resources& r) { r.memory_limit = 1 << 20; }),
       {{"memory", "memory.limit_in_bytes", "1048576"}},
       {{"memory", "memory.max", "1048576"}}},
      {"memory and no swap",
       With([](Resources& r) {
         r.memory_limit = 1 << 20;
         r.memory_swap = 1 << 20;
       }),
       {{"memory", "memory.limit_in_bytes", "1048576"},
        {"memory", "memory.memsw.limit_in_bytes", "1048576"}},
       {{"memory", "memory.max", "1048576"}, {"memory", "memory.swap.max", "0"}}},
      {"memory with swap",
       With([](Resources& r) {
         r.memory_limit = 100;
         r.memory_swap = 150;
         r.memory_reservation = 50;
       }),
       {{"memory", "memory.limit_in_bytes", "100"},
        {"memory", "memory.memsw.limit_in_bytes", "150"},
        {"memory", "memory.soft_limit_in_bytes", "50"}},
       {{"memory", "memory.max", "100"},
        {"memory", "memory.swap.max", "50"},
        {"memory", "memory.low", "50"}}},
      {"unlimited",
       With([](Resources& r) {
         r.memory_limit = -1;
         r.memory_swap = -1;
         r.pids_limit = -1;
       }),
       {{"memory", "memory.limit_in_bytes", "-1"},
        {"memory", "memory.memsw.limit_in_bytes", "-1"},
        {"pids", "pids.max", "max"}},
       {{"memory", "memory.max", "max"},
        {"memory", "memory.swap.max", "max"},
        {"pids", "pids.max", "max"}}},
      {"pids",
       With([](Resources& r) { r.pids_limit = 7; }),
       {{"pids", "pids.max", "7"}},
       {{"pids", "pids.max", "7"}}},
      {"cpuset",
       With([](Resources& r) {
         r.cpuset_cpus = "0-1";
         r.cpuset_mems = "0";
       }),
       {{"cpuset", "cpuset.cpus", "0-1"}, {"cpuset", "cpuset.mems", "0"}},
       {{"cpuset", "cpuset.cpus", "0-1"}, {"cpuset", "cpuset.mems", "0"}}},
      {"huge pages",
       With([](Resources& r) {
         r.hugepages = {{"2MB", 4194304}};
       }),
       {{"hugetlb", "hugetlb.2MB.limit_in_bytes", "4194304"}},
       {{"hugetlb", "hugetlb.2MB.max", "4194304"}}},
      {"unified",
       With([](Resources& r) {
         r.unified = {{"memory.high", "9"}};
       }),
       {},
       {{"memory", "memory.high", "9"}}},
      {"devices",
       With([](Resources& r) {
         r.devices = {{true, "c", 10, 229, "rw"}};
       }),
       {{"devices", "devices.allow", "c 10:229 rw"}},
       {}},
  };
}

TEST(CgroupFilesTest, Table) {
  for (const Case& c : Cases()) {
    EXPECT_EQ(FilesFor(c.resources, 1), c.v1) << c.name;
    EXPECT_EQ(FilesFor(c.resources, 2), c.v2) << c.name;
  }
}

TEST(CgroupFilesTest, WeightsMeetTheDefaultsAndTheEnds) {
  EXPECT_EQ(WeightFromShares(0), 100u);
  EXPECT_EQ(WeightFromShares(2), 1u);
  EXPECT_EQ(WeightFromShares(1024), 100u);
  EXPECT_EQ(WeightFromShares(262144), 10000u);
  EXPECT_EQ(WeightFromShares(1u << 30), 10000u);
  uint64_t before = 0;
  for (uint64_t shares = 2; shares <= 262144; shares = shares * 5 / 4 + 1) {
    EXPECT_GE(WeightFromShares(shares), before);
    before = WeightFromShares(shares);
  }
}

TEST(CgroupFilesTest, DenyingAllLeavesTheDefaultDevices) {
  std::vector<DeviceRule> rules = EffectiveDeviceRules({Rule(false), {true, "c", 10, 229, "rwm"}});
  std::vector<std::string> text;
  for (const DeviceRule& r : rules) text.push_back(DeviceRuleText(r));
  EXPECT_EQ(text.front(), "a");
  EXPECT_EQ(text.back(), "c 10:229 rwm");
  EXPECT_NE(std::find(text.begin(), text.end(), "c 1:3 rwm"), text.end());
  EXPECT_NE(std::find(text.begin(), text.end(), "c 136:* rwm"), text.end());
  EXPECT_EQ(EffectiveDeviceRules({Rule(true)}).size(), 1u);
}

}  // namespace
}  // namespace kpod::runtime
