#include "pods/downward.h"

#include <gtest/gtest.h>

#include "pods/late_values.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

TEST(FormatMap, AsTheKubeletWritesIt) {
  struct Case {
    kube::StringMap map;
    std::string want;
  };
  for (const Case& c :
       {Case{{}, ""}, Case{{{"b", "2"}, {"a", "1"}}, "a=\"1\"\nb=\"2\""},
        Case{{{"a", "x\ny\t\"q\" \\ \a\v\x01\x7f"}}, R"(a="x\ny\t\"q\" \\ \a\v\x01\x7f")"},
        Case{{{"a", "\u00e9\u4e2d\U0001f30d"}}, "a=\"\u00e9\u4e2d\U0001f30d\""},
        Case{{{"a", "\u00a0\u200b\ufeff\U000f0000"}}, R"(a="\u00a0\u200b\ufeff\U000f0000")"},
        Case{{{"a", "\xff\xc3(\xe4\xb8"}}, R"(a="\xff\xc3(\xe4\xb8")"}}) {
    EXPECT_EQ(FormatMap(c.map), c.want);
  }
}

TEST(FieldValue, EveryFieldThatKubernetesAllows) {
  FakeMachine m;
  kube::Pod pod;
  pod.metadata = {"web", "shop", "u-1", "", {{"app", "front"}, {"b", ""}}, {{"a/b", "note"}}};
  pod.spec.service_account_name = "robot";
  struct Case {
    const char* path;
    std::optional<std::string> want;
  };
  for (const Case& c :
       {Case{"metadata.name", "web"}, Case{"metadata.namespace", "shop"},
        Case{"metadata.uid", "u-1"}, Case{"metadata.labels", "app=\"front\"\nb=\"\""},
        Case{"metadata.annotations", "a/b=\"note\""}, Case{"metadata.labels['app']", "front"},
        Case{"metadata.labels['no']", ""}, Case{"metadata.annotations['a/b']", "note"},
        Case{"spec.nodeName", "node-1"}, Case{"spec.serviceAccountName", "robot"},
        Case{"status.podIP", LateField("u-1", "status.podIP")},
        Case{"status.hostIPs", LateField("u-1", "status.hostIPs")},
        Case{"status.phase", std::nullopt}, Case{"metadata.labels['", std::nullopt},
        Case{"'", std::nullopt}, Case{"", std::nullopt}}) {
    EXPECT_EQ(FieldValue(pod, m.lookups(), c.path), c.want) << c.path;
  }
}

TEST(ResourceValue, InItsDivisorAndRoundedUp) {
  FakeMachine m;
  kube::Pod pod = kube::DecodePod(Json::parse(R"J({"spec":{
    "initContainers":[{"name":"first","resources":{"limits":{"cpu":"2"}}}],
    "containers":[{"name":"set","resources":{
      "limits":{"cpu":"1500m","memory":"100Mi","ephemeral-storage":"1Gi","hugepages-2Mi":"4Mi"},
      "requests":{"cpu":"250m"}}}, {"name":"bare"}]}})J"));
  struct Case {
    const char *container, *resource, *divisor, *want;
  };
  for (const Case& c :
       {Case{"", "limits.cpu", "0", "2"}, Case{"", "limits.cpu", "1", "2"},
        Case{"", "limits.cpu", "1m", "1500"}, Case{"", "requests.cpu", "1m", "250"},
        Case{"", "requests.cpu", "0", "1"}, Case{"", "limits.memory", "0", "104857600"},
        Case{"", "limits.memory", "1Mi", "100"}, Case{"", "limits.memory", "1M", "105"},
        Case{"", "requests.memory", "1Gi", "1"},  // a request that is not given is the limit
        Case{"", "limits.ephemeral-storage", "1Ki", "1048576"},
        Case{"", "limits.hugepages-2Mi", "1Mi", "4"}, Case{"", "limits.hugepages-1Gi", "1", "0"},
        Case{"first", "limits.cpu", "1m", "2000"}, Case{"bare", "limits.cpu", "0", "3"},
        Case{"bare", "limits.cpu", "1m", "2500"}, Case{"bare", "limits.memory", "1Gi", "4"},
        Case{"bare", "limits.ephemeral-storage", "1Gi", "100"},
        Case{"bare", "requests.cpu", "1m", "0"}, Case{"bare", "requests.memory", "0", "0"}}) {
    Result<std::string> got = ResourceValue(pod, &pod.spec.containers[0], m.lookups(),
                                            {c.container, c.resource, c.divisor});
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(*got, c.want) << c.container << " " << c.resource << " " << c.divisor;
  }
  for (const kube::ResourceFieldRef& ref :
       {kube::ResourceFieldRef{"none", "limits.cpu", "0"}, kube::ResourceFieldRef{"", "cpu", "0"},
        kube::ResourceFieldRef{"", "limits.disk", "0"},
        kube::ResourceFieldRef{"", "limits.cpu", "x"}}) {
    EXPECT_FALSE(ResourceValue(pod, &pod.spec.containers[0], m.lookups(), ref).ok());
  }
}

}  // namespace
}  // namespace kpod::pods
