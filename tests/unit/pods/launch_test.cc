#include "pods/launch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

store::Paths TestPaths() {
  store::Paths paths;
  paths.root = "/root-of-kpod";
  paths.run = "/run-of-kpod";
  return paths;
}

const runtime::Mount* Find(const std::vector<runtime::Mount>& mounts, const std::string& path) {
  auto it = std::find_if(mounts.begin(), mounts.end(),
                         [&](const auto& m) { return m.destination == path; });
  return it == mounts.end() ? nullptr : &*it;
}

bool Has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

TEST(HostsFile, OfAPodOfANameAndOfTheHost) {
  FakeMachine m;
  Plan p = m.Make("{}", R"({"hostname":"h","subdomain":"s","hostAliases":[
    {"ip":"10.0.0.1","hostnames":["a","b"]},{"ip":"10.0.0.2","hostnames":["c"]}]})");
  std::string text = HostsFile(p, "10.1.2.3", "");
  EXPECT_EQ(text.substr(0, text.find('\n')), "# Kubernetes-managed hosts file.");
  EXPECT_NE(text.find("127.0.0.1\tlocalhost\n"), std::string::npos);
  EXPECT_NE(text.find("10.1.2.3\th.s.shop.svc.cluster.local\th\n"), std::string::npos);
  EXPECT_NE(text.find("\n# Entries added by HostAliases.\n10.0.0.1\ta\tb\n10.0.0.2\tc\n"),
            std::string::npos);

  Plan host = m.Make("{}", R"({"hostNetwork":true})");
  EXPECT_EQ(HostsFile(host, "", "1.2.3.4 x"),
            "# Kubernetes-managed hosts file (host network).\n1.2.3.4 x\n");
  EXPECT_NE(HostsFile(m.Make(), "", "").find("127.0.1.1\tweb\n"), std::string::npos);
}

TEST(ResolvConf, ByPolicy) {
  const std::string host = "# c\nnameserver 9.9.9.9\nsearch corp.example lan\noptions timeout:1\n";
  struct Case {
    const char *spec, *nameserver, *want;
  };
  for (
      const Case& c :
      {Case{"{}", "169.254.1.1",
            "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example "
            "lan\nnameserver "
            "169.254.1.1\noptions ndots:5\n"},
       Case{R"({"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"})", "127.76.1.2",
            "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example lan\n"
            "nameserver 127.76.1.2\noptions ndots:5\n"},
       Case{"{}", "", "search corp.example lan\nnameserver 9.9.9.9\noptions timeout:1\n"},
       Case{R"({"dnsPolicy":"Default"})", "169.254.1.1",
            "search corp.example lan\nnameserver 9.9.9.9\noptions timeout:1\n"},
       Case{R"({"hostNetwork":true})", "169.254.1.1",
            "search corp.example lan\nnameserver 9.9.9.9\noptions timeout:1\n"},
       Case{R"({"dnsPolicy":"None","dnsConfig":{"nameservers":["1.1.1.1"],"searches":["a.b"],
               "options":[{"name":"ndots","value":"2"},{"name":"edns0"}]}})",
            "169.254.1.1", "search a.b\nnameserver 1.1.1.1\noptions ndots:2 edns0\n"},
       Case{
           R"({"dnsConfig":{"nameservers":["169.254.1.1","8.8.8.8"],"options":[{"name":"ndots","value":"1"}]}})",
           "169.254.1.1",
           "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example lan\n"
           "nameserver 169.254.1.1\nnameserver 8.8.8.8\noptions ndots:1\n"}}) {
    FakeMachine m;
    EXPECT_EQ(ResolvConf(m.Make("{}", c.spec), c.nameserver, host), c.want) << c.spec;
  }
  // A cache on the machine's loopback is no place that a pod reaches.
  FakeMachine m;
  const std::string cached = "nameserver 127.0.0.53\nsearch lan\n";
  EXPECT_EQ(ResolvConf(m.Make("{}", R"({"dnsPolicy":"Default"})"), "169.254.1.1", cached),
            "search lan\nnameserver 169.254.1.1\n");
  EXPECT_EQ(ResolvConf(m.Make("{}", R"({"hostNetwork":true})"), "", cached),
            "search lan\nnameserver 127.0.0.53\n");
}

TEST(MountsFor, Volumes) {
  FakeMachine m;
  m.claims["data"] = {};
  Plan p = m.Make(R"({"volumeMounts":[
      {"name":"e","mountPath":"/e"},{"name":"h","mountPath":"/h","mountPropagation":"HostToContainer"},
      {"name":"d","mountPath":"/d","subPath":"a/b","readOnly":true},{"name":"e","mountPath":"/etc/hosts","subPath":"hosts"}]})",
                  R"({"volumes":[{"name":"e","emptyDir":{}},{"name":"h","hostPath":{"path":"/srv"}},
      {"name":"d","persistentVolumeClaim":{"claimName":"data"}}]})");
  store::Paths paths = TestPaths();
  auto mounts = MountsFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0));
  const runtime::Mount* e = Find(mounts, "/e");
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(e->source, "/root-of-kpod/pods/shop_web/volumes/e");
  EXPECT_TRUE(Has(e->options, "rbind") && Has(e->options, "rprivate") && !Has(e->options, "ro"));
  EXPECT_EQ(Find(mounts, "/h")->source, "/srv");
  EXPECT_TRUE(Has(Find(mounts, "/h")->options, "rslave"));
  EXPECT_EQ(Find(mounts, "/d")->source, "/root-of-kpod/volumes/shop_data/data");
  EXPECT_TRUE(Has(Find(mounts, "/d")->options, "ro") &&
              Has(Find(mounts, "/d")->options, "kpod.subpath=a/b"));
  // The manifest's own file at a path that kpod would fill.
  EXPECT_EQ(std::count_if(mounts.begin(), mounts.end(),
                          [](const auto& x) { return x.destination == "/etc/hosts"; }),
            1);
  EXPECT_EQ(Find(mounts, "/etc/hosts")->source, "/root-of-kpod/pods/shop_web/volumes/e");
  EXPECT_NE(Find(mounts, "/dev/termination-log"), nullptr);
  EXPECT_NE(Find(mounts, "/etc/resolv.conf"), nullptr);
}

TEST(MountsFor, PrivilegedSeesTheHostsDevicesAndMayWriteSys) {
  FakeMachine m;
  Plan p = m.Make(R"({"securityContext":{"privileged":true}})", R"({"hostIPC":true})");
  store::Paths paths = TestPaths();
  auto mounts = MountsFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0));
  EXPECT_EQ(Find(mounts, "/dev")->type, "bind");
  EXPECT_TRUE(Has(Find(mounts, "/sys")->options, "rw"));
  EXPECT_EQ(Find(mounts, "/dev/shm")->source, "/dev/shm");
  p = m.Make();
  mounts = MountsFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0));
  EXPECT_EQ(Find(mounts, "/dev")->type, "tmpfs");
  EXPECT_TRUE(Has(Find(mounts, "/sys")->options, "ro"));
}

TEST(ResourcesFor, AsTheKubeletComputes) {
  struct Case {
    const char* container;
    std::optional<int64_t> memory, quota;
    uint64_t shares;
  };
  for (const Case& c :
       {Case{"{}", std::nullopt, std::nullopt, 2},
        Case{R"({"resources":{"requests":{"cpu":"1"}}})", std::nullopt, std::nullopt, 1024},
        Case{R"({"resources":{"requests":{"cpu":"1m"}}})", std::nullopt, std::nullopt, 2},
        Case{R"({"resources":{"requests":{"cpu":"1000"}}})", std::nullopt, std::nullopt, 262144},
        Case{R"({"resources":{"limits":{"cpu":"500m"}}})", std::nullopt, 50000, 512},
        Case{R"({"resources":{"limits":{"cpu":"1m"}}})", std::nullopt, 1000, 2},
        Case{R"({"resources":{"limits":{"memory":"1Mi"}}})", 1 << 20, std::nullopt, 2}}) {
    FakeMachine m;
    runtime::Resources r = ResourcesFor(m.Container(c.container));
    EXPECT_EQ(r.memory_limit, c.memory) << c.container;
    EXPECT_EQ(r.cpu_quota, c.quota) << c.container;
    EXPECT_EQ(r.cpu_shares, c.shares) << c.container;
  }
}

TEST(PodResourcesFor, SumsAndLimitsOnlyWhereAllHaveOne) {
  auto plan = [](const char* a, const char* b) {
    FakeMachine m;
    return m.Make("{}", std::string(R"({"containers":[{"name":"a","image":"app","resources":)") +
                            a + R"(},{"name":"b","image":"app","resources":)" + b + "}]}");
  };
  runtime::Resources r = PodResourcesFor(
      plan(R"({"limits":{"cpu":"1","memory":"16Mi"}})",
           R"({"limits":{"cpu":"500m","memory":"32Mi"},"requests":{"cpu":"100m"}})"));
  EXPECT_EQ(r.cpu_quota, 150000);
  EXPECT_EQ(r.memory_limit, 48 << 20);
  EXPECT_EQ(r.cpu_shares, 1126U);
  r = PodResourcesFor(plan(R"({"limits":{"cpu":"1","memory":"1Mi"}})", "{}"));
  EXPECT_EQ(r.cpu_quota, std::nullopt);
  EXPECT_EQ(r.memory_limit, std::nullopt);
  EXPECT_EQ(r.cpu_shares, 1024U);
  r = PodResourcesFor(plan(R"({"limits":{"memory":"10"}})", R"({"limits":{"memory":"10"}})"));
  EXPECT_EQ(r.memory_limit, 16 << 20);
  r = PodResourcesFor(plan("{}", "{}"));
  EXPECT_EQ(r.cpu_shares, 2U);
}

TEST(SpecFor, NamespacesAndPaths) {
  FakeMachine m;
  store::Paths paths = TestPaths();
  auto types = [&](const char* spec) {
    Plan p = m.Make("{}", spec);
    std::string out;
    for (const auto& n :
         SpecFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0)).namespaces)
      out += n.type + " ";
    return out;
  };
  EXPECT_EQ(types("{}"), "mount pid cgroup ");
  EXPECT_EQ(types(R"({"hostPID":true})"), "mount cgroup ");
  EXPECT_EQ(types(R"({"shareProcessNamespace":true})"), "mount cgroup ");
  Plan p = m.Make();
  EXPECT_FALSE(
      SpecFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0)).masked_paths.empty());
  p = m.Make(R"({"securityContext":{"privileged":true}})");
  EXPECT_TRUE(
      SpecFor(paths, p, p.containers[0], PathsFor(paths, p, "main", 0)).masked_paths.empty());
}

}  // namespace
}  // namespace kpod::pods
