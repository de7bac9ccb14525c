#include "pods/user_range.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"
#include "pods/launch.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

using Blocks = std::vector<IdBlock>;

TEST(SubordinateIds, OfOneUser) {
  constexpr std::string_view kText =
      "alice:100000:65536\nkubelet:65536:7208960\n# x\nkubelet:a:1\nkubelet:0:65536\n"
      "kubelet:5000000000:65536\nkubelet:4294901760:70000\nkubelet:1:-1\nkubelet:1\n";
  EXPECT_EQ(SubordinateIds(kText, "kubelet"), (Blocks{{65536, 7208960}, {4294901760, 65535}}));
  EXPECT_EQ(SubordinateIds(kText, "bob"), Blocks{});
  EXPECT_EQ(SubordinateIds("", "kubelet"), Blocks{});
}

TEST(IdBlocks, OfTheKubeletThenOfContainersThenOfNobody) {
  constexpr std::string_view kBoth = "kubelet:65536:65536\ncontainers:200000:131072\n";
  constexpr std::string_view kContainers = "containers:200000:131072\n";
  EXPECT_EQ(IdBlocksFor(kBoth, kBoth), (Blocks{{65536, 65536}}));
  EXPECT_EQ(IdBlocksFor(kBoth, kContainers), (Blocks{{200000, 131072}}));
  EXPECT_EQ(IdBlocksFor("kubelet:65536:65535\n", "kubelet:65536:65535\n")[0].first, 0x70000000u);
  EXPECT_EQ(IdBlocksFor("", "")[0].first, 0x70000000u);
}

TEST(FreeUserRange, WholeRangesThatNobodyHas) {
  const Blocks blocks = {{100000, 2 * 65536 + 5}, {1000000, 65536}};
  struct Row {
    std::set<uint32_t> taken;
    uint64_t start;
    std::optional<uint32_t> want;
  };
  for (const Row& row : {
           Row{{}, 0, 100000}, Row{{}, 1, 165536}, Row{{}, 2, 1000000}, Row{{}, 3, 100000},
           Row{{100000}, 0, 165536}, Row{{100000, 165536}, 0, 1000000}, Row{{1000000}, 2, 100000},
           Row{{100000, 165536, 1000000}, 0, std::nullopt},
           Row{{150000}, 0, 1000000},         // across two of them
           Row{{65536}, 0, 165536},           // from before
           Row{{100000 - 65536}, 0, 100000},  // ends where it begins
       }) {
    EXPECT_EQ(FreeUserRange(blocks, row.taken, row.start), row.want) << row.start;
  }
  EXPECT_EQ(FreeUserRange({}, {}, 0), std::nullopt);
}

class Ranges : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-ranges-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    paths_.root = StrCat(name, "/root");
    paths_.run = StrCat(name, "/run");
    ASSERT_TRUE(paths_.MakeAll().ok());
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(Dirname(paths_.root)).ok()); }
  uint32_t Take(const std::string& name) {
    Plan plan;
    plan.ns = "default";
    plan.name = name;
    EXPECT_TRUE(MakeDirs(paths_.Pod(plan.ns, plan.name)).ok());
    Result<std::vector<runtime::IdMap>> map = TakeUserRange(paths_, plan);
    EXPECT_TRUE(map.ok());
    if (!map) return 0;
    EXPECT_EQ(map->size(), 1u);
    EXPECT_EQ(map->at(0).container, 0u);
    EXPECT_EQ(map->at(0).size, 65536u);
    return map->at(0).host;
  }
  store::Paths paths_;
};

TEST_F(Ranges, ArePodsAsLongAsThereAreTheirDirectories) {
  uint32_t a = Take("a"), b = Take("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(Take("a"), a);
  ASSERT_TRUE(RemoveAll(paths_.Pod("default", "a")).ok());
  EXPECT_EQ(Take("c"), a);
  // One that is damaged is nobody's, and takes no other pod along.
  ASSERT_TRUE(WriteFile(paths_.Pod("default", "c") + "/user-range.json", "{\"first\":").ok());
  EXPECT_EQ(Take("b"), b);
}

bool Mapped(const runtime::Mount& m) {
  return std::find(m.options.begin(), m.options.end(), "idmap") != m.options.end();
}

TEST(HostUsers, WhatIsBoundIsMapped) {
  FakeMachine m;
  constexpr const char* kVolumes = R"J("volumes":[{"name":"d","emptyDir":{}},
      {"name":"h","hostPath":{"path":"/srv"}},{"name":"i","image":{"reference":"app"}}])J";
  constexpr const char* kMounts = R"J({"securityContext":{"privileged":true},"volumeMounts":[
      {"name":"d","mountPath":"/d"},{"name":"h","mountPath":"/h"},{"name":"i","mountPath":"/i"}]})J";
  for (bool host_users : {true, false}) {
    std::string spec = StrCat("{\"hostUsers\":", host_users, ",", kVolumes, "}");
    Plan plan = m.Make(kMounts, spec);
    EXPECT_EQ(plan.host_users, host_users);
    std::set<std::string> mapped, bound;
    runtime::Spec made = SpecFor({"/r", "/run"}, plan, plan.containers[0], {});
    for (const runtime::Mount& mount : made.mounts) {
      if (mount.type == "bind") bound.insert(mount.destination);
      if (Mapped(mount)) mapped.insert(mount.destination);
    }
    EXPECT_TRUE(bound.contains("/i"));
    if (host_users) {
      EXPECT_TRUE(mapped.empty());
      EXPECT_TRUE(bound.contains("/dev"));  // the machine's own
    } else {
      bound.erase("/i");
      EXPECT_EQ(mapped, bound);
      EXPECT_FALSE(bound.contains("/dev"));
      EXPECT_FALSE(made.devices.empty());
    }
  }
}

TEST(HostUsers, IdsThatTheNamespaceDoesNotHave) {
  FakeMachine m;
  constexpr const char* kFar = R"J({"hostUsers":false,"securityContext":{"runAsUser":70000}})J";
  constexpr const char* kGroup =
      R"J({"hostUsers":false,"securityContext":{"supplementalGroups":[65536]}})J";
  EXPECT_EQ(m.Container("{}", kFar).blocked.message,
            "id 70000 is outside of the pod's user namespace, which has 65536 of them (hostUsers: "
            "false)");
  EXPECT_EQ(m.Container("{}", kGroup).blocked.reason, "CreateContainerConfigError");
  EXPECT_EQ(m.Container("{}", R"J({"securityContext":{"runAsUser":70000}})J").blocked.reason, "");
}

}  // namespace
}  // namespace kpod::pods
