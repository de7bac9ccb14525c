// The parts that only decide: tables, no privileges needed.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "runtime/cgroup_files.h"
#include "runtime/container.h"
#include "runtime/mount_options.h"
#include "runtime/namespaces.h"
#include "runtime/process.h"
#include "runtime/procfs.h"
#include "runtime/rootfs.h"

namespace kpod::runtime {
namespace {

TEST(Decide, RlimitsAreClampedToTheHardLimit) {
  Rlimit r = ClampRlimit({"RLIMIT_NOFILE", 5000, 9000}, 4096);
  EXPECT_EQ(r.soft, 4096u);
  EXPECT_EQ(r.hard, 4096u);
  r = ClampRlimit({"RLIMIT_NOFILE", 10, 9000}, 4096);
  EXPECT_EQ(r.soft, 10u);
}

TEST(Decide, ProgramsAreLookedUpInTheContainersPath) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(ProgramCandidates("/bin/x", {"PATH=/a"}), Paths{"/bin/x"});
  EXPECT_EQ(ProgramCandidates("./x", {}), Paths{"./x"});
  EXPECT_EQ(ProgramCandidates("x", {"PATH=/a::/b/"}), (Paths{"/a/x", "/b/x"}));
  EXPECT_EQ(ProgramCandidates("x", {}).size(), 6u);
}

TEST(Decide, SysctlsOutsideOfNamespacesAreRefused) {
  EXPECT_EQ(SysctlPath("net.ipv4.ip_forward").value_or(""), "sys/net/ipv4/ip_forward");
  EXPECT_EQ(SysctlPath("net/ipv4/conf/eth0.1/forwarding").value_or(""),
            "sys/net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(SysctlPath("kernel.shmmax").value_or(""), "sys/kernel/shmmax");
  for (const char* bad : {"", "kernel.core_pattern", "vm.swappiness", "net/../kernel/core_pattern",
                          "net..x", "fs.file-max", "kernel.panic"}) {
    EXPECT_FALSE(SysctlPath(bad).ok()) << bad;
  }
}

TEST(Decide, MountWords) {
  Mount m{"/x", "bind", "/y", {"rbind", "ro", "nosuid", "rslave", "kpod.subpath=a/b"}};
  Result<MountOptions> o = ParseMountOptions(m);
  ASSERT_TRUE(o.ok());
  EXPECT_TRUE(o->bind && o->recursive && o->propagation_recursive && o->has_subpath);
  EXPECT_EQ(o->set, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(o->propagation, uint64_t{MS_SLAVE});
  EXPECT_EQ(o->subpath, "a/b");
  m.options = {"ro", "rw"};
  o = ParseMountOptions(m);
  ASSERT_TRUE(o.ok());
  EXPECT_EQ(o->set, 0u);
  EXPECT_EQ(o->clear, uint64_t{MOUNT_ATTR_RDONLY});
  m.options = {"size=4k"};
  EXPECT_FALSE(ParseMountOptions(m).ok());  // not for a bind mount
}

TEST(Decide, Namespaces) {
  Spec s;
  EXPECT_FALSE(PlanNamespaces(s, {}).ok());  // no mount namespace
  s.namespaces = {{"mount", ""}, {"pid", ""}, {"network", ""}};
  Result<NamespacePlan> plan = PlanNamespaces(s, {{7, CLONE_NEWNET}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->clone_flags, uint64_t{CLONE_NEWPID});
  EXPECT_EQ(plan->unshare_flags, uint64_t{CLONE_NEWNS});  // the network is joined, not made
  ASSERT_EQ(plan->join.size(), 1u);
  EXPECT_EQ(plan->join[0].fd, 7);
  plan = PlanNamespaces(s, {{7, CLONE_NEWPID}, {8, CLONE_NEWNET}, {9, CLONE_NEWUSER}});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->join_pid, 7);
  EXPECT_EQ(plan->join_user, 9);  // before the others, which it gives the right to join
  s.namespaces.push_back({"galaxy", ""});
  EXPECT_FALSE(PlanNamespaces(s, {}).ok());
}

TEST(Decide, OverlayOfOlderKernels) {
  EXPECT_EQ(LegacyOverlayOptions({5, 6}, 7, 8, false),
            "lowerdir=/proc/self/fd/5:/proc/self/fd/6,upperdir=/proc/self/fd/7,"
            "workdir=/proc/self/fd/8,volatile");
  EXPECT_EQ(LegacyOverlayOptions({5}, -1, -1, true), "lowerdir=/proc/self/fd/5,userxattr");
  EXPECT_EQ(LegacyOverlayOptions({5}, -1, -1, false, "u:r:t:s0:c1,c2"),
            "lowerdir=/proc/self/fd/5,context=\"u:r:t:s0:c1,c2\"");
}

TEST(Decide, WeightsOfShares) {
  EXPECT_EQ(WeightFromShares(2), 1u);
  EXPECT_EQ(WeightFromShares(1024), 100u);
  EXPECT_EQ(WeightFromShares(262144), 10000u);
}

TEST(Decide, SpecificationsSurviveAsJson) {
  Spec s;
  s.root_path = "/r";
  s.hostname = "h";
  s.process.args = {"a", "b"};
  s.process.user = {1, 2, 022, {3}};
  s.process.rlimits = {{"RLIMIT_NOFILE", 1, 2}};
  s.mounts = {{"/x", "bind", "/y", {"ro"}}};
  s.namespaces = {{"mount", ""}, {"network", "/n"}};
  s.resources.memory_limit = 4096;
  s.sysctl["net.a"] = "1";
  s.masked_paths = DefaultMaskedPaths();
  Json once = ToJson(s);
  Result<Spec> back = ParseSpec(once);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(Dump(ToJson(*back)), Dump(once));
  EXPECT_EQ(back->process.args, s.process.args);
  EXPECT_EQ(back->namespaces[1].path, "/n");
}

}  // namespace
}  // namespace kpod::runtime
