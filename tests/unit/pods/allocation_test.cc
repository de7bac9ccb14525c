// What Services are given, and the variables that tell of them.
#include "pods/allocation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "kube/decode.h"
#include "pods/service_links.h"

namespace kpod::pods {
namespace {

using network::Address;
using network::Allocation;

kube::Service ServiceOf(const std::string& name, const char* spec) {
  Json j = {{"metadata", {{"name", name}}}, {"spec", Json::parse(spec)}};
  return kube::DecodeService(j);
}

Address Ip(const char* text) { return *Address::Parse(text); }

struct Machine {
  AllocationContext context;
  std::vector<int> busy;
  Machine() {
    context.range = *network::ParseRange("10.96.0.0/16");
    context.check_port = [this](const network::PortMapping& p) -> Status {
      if (std::count(busy.begin(), busy.end(), p.host_port) > 0)
        return Error(StrCat("host port ", p.host_port, " is busy"));
      return OkStatus();
    };
  }
  Result<Allocation> Give(const char* spec, const std::optional<Allocation>& before = {},
                          const std::string& name = "web") {
    return Allocate(ServiceOf(name, spec), before, context);
  }
  std::string Refusal(const char* spec, const std::optional<Allocation>& before = {}) {
    auto given = Give(spec, before);
    return given ? "given" : given.error().message();
  }
};

TEST(Allocation, AddressesComeFromTheUpperPartAndAreKept) {
  Machine m;
  auto given = m.Give(R"({"ports":[{"port":80}]})");
  ASSERT_TRUE(given);
  ASSERT_EQ(given->cluster_ips.size(), 1U);
  EXPECT_TRUE(m.context.range.Contains(given->cluster_ips[0].v4()));
  EXPECT_GE(given->cluster_ips[0].v4() - m.context.range.base, 256U);
  EXPECT_EQ(m.Give(R"({"ports":[{"port":80}]})")->cluster_ips, given->cluster_ips) << "by name";
  // Taken by another: the next one.
  m.context.others = {*given};
  auto next = m.Give(R"({"ports":[{"port":80}]})");
  EXPECT_NE(next->cluster_ips, given->cluster_ips);
  // What one has stays, whatever its name hashes to.
  EXPECT_EQ(m.Give(R"({"ports":[{"port":81}]})", *next)->cluster_ips, next->cluster_ips);
  // The machine's ranges changed.
  m.context.range = *network::ParseRange("10.43.0.0/16");
  EXPECT_TRUE(m.context.range.Contains(m.Give("{}", *next)->cluster_ips[0].v4()));
}

TEST(Allocation, ASmallRangeIsUsedUpToItsEnd) {
  Machine m;
  m.context.range = *network::ParseRange("10.0.0.0/28");
  for (int i = 0; i < 14; ++i) {
    auto given = m.Give("{}", {}, StrCat("s", i));
    ASSERT_TRUE(given) << i;
    for (const Allocation& o : m.context.others) EXPECT_NE(o.cluster_ips, given->cluster_ips);
    EXPECT_NE(given->cluster_ips[0].Text(), "10.0.0.0");
    EXPECT_NE(given->cluster_ips[0].Text(), "10.0.0.15");
    m.context.others.push_back(*given);
  }
  EXPECT_TRUE(Contains(m.Refusal("{}"), "range is full"));
}

TEST(Allocation, AddressesThatAreAskedFor) {
  Machine m;
  Allocation other;
  other.ns = "shop";
  other.name = "db";
  other.cluster_ips = {Ip("10.96.0.10")};
  m.context.others = {other};
  EXPECT_EQ(m.Give(R"({"clusterIP":"10.96.0.11"})")->cluster_ips,
            std::vector<Address>{Ip("10.96.0.11")});
  EXPECT_TRUE(m.Give(R"({"clusterIP":"None"})")->cluster_ips.empty());
  EXPECT_TRUE(m.Give(R"({"type":"ExternalName","externalName":"a.b"})")->cluster_ips.empty());
  Allocation before;
  before.cluster_ips = {Ip("10.96.5.5")};
  struct Row {
    const char* spec;
    bool again;
    const char* want;
  };
  const Row rows[] = {
      {R"({"clusterIP":"10.96.0.10"})", false,
       R"(Service "web" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated)"},
      {R"({"clusterIP":"10.97.0.1"})", false,
       R"(Service "web" is invalid: spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16)"},
      {R"({"clusterIP":"10.96.255.255"})", false, "is not in the valid range"},
      {R"({"clusterIP":"10.96.5.6"})", true,
       R"(spec.clusterIPs[0]: Invalid value: ["10.96.5.6"]: may not change once set)"},
      {R"({"clusterIP":"10.96.5.5"})", true, "given"},
      {R"({"ipFamilies":["IPv6"]})", false,
       R"(spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster)"},
      {R"({"ipFamilyPolicy":"RequireDualStack"})", false,
       "this cluster is not configured for dual-stack services"},
      {R"({"ipFamilyPolicy":"PreferDualStack"})", false, "given"},
  };
  for (const Row& row : rows) {
    std::string got = m.Refusal(row.spec, row.again ? std::optional(before) : std::nullopt);
    EXPECT_TRUE(Contains(got, row.want)) << row.spec << ": " << got;
  }
}

TEST(Allocation, NodePorts) {
  Machine m;
  auto given = m.Give(R"({"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30001},
      {"name":"b","port":81},{"name":"t","port":53},{"name":"u","port":53,"protocol":"UDP"}]})");
  ASSERT_TRUE(given);
  EXPECT_EQ(given->node_ports.at("tcp/80"), 30001);
  EXPECT_GE(given->node_ports.at("tcp/81"), 30086);
  EXPECT_EQ(given->node_ports.at("tcp/53"), given->node_ports.at("udp/53"));
  EXPECT_NE(given->node_ports.at("tcp/53"), given->node_ports.at("tcp/81"));
  EXPECT_TRUE(given->host_ports.empty());
  // Kept, and given back when the type has none.
  auto again = m.Give(R"({"type":"NodePort","ports":[{"port":81}]})", *given);
  EXPECT_EQ(again->node_ports.at("tcp/81"), given->node_ports.at("tcp/81"));
  EXPECT_EQ(again->node_ports.size(), 1U);
  EXPECT_TRUE(m.Give(R"({"ports":[{"port":81}]})", *given)->node_ports.empty());

  m.context.others = {*given};
  EXPECT_EQ(
      m.Refusal(R"({"type":"NodePort","ports":[{"port":9,"nodePort":30001,"protocol":"UDP"}]})"),
      R"(Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated)");
  m.busy = {30002, 30500};
  EXPECT_EQ(
      m.Refusal(R"({"type":"NodePort","ports":[{"port":9,"nodePort":30002}]})"),
      R"(Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30002: host port 30002 is busy)");
  // One that is busy is passed over when any will do; one's own is not asked after.
  for (int p = 30087; p <= 32767; ++p) m.busy.push_back(p);
  m.context.others.clear();
  EXPECT_EQ(m.Give(R"({"type":"NodePort","ports":[{"port":9}]})")->node_ports.at("tcp/9"), 30086);
  Allocation before;
  before.node_ports = {{"tcp/9", 30500}};
  EXPECT_TRUE(m.Give(R"({"type":"NodePort","ports":[{"port":9,"nodePort":30500}]})", before));
}

TEST(Allocation, LoadBalancersTakeTheirPortsOfTheMachine) {
  Machine m;
  const char* spec = R"({"type":"LoadBalancer","ports":[{"port":80}]})";
  auto given = m.Give(spec);
  EXPECT_EQ(given->host_ports, std::vector<std::string>{"tcp/80"});
  EXPECT_EQ(given->node_ports.size(), 1U);
  EXPECT_TRUE(m.Give(R"({"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,
                         "ports":[{"port":80}]})")
                  ->node_ports.empty());
  Allocation other;
  other.ns = "shop";
  other.name = "db";
  other.host_ports = {"tcp/80"};
  m.context.others = {other};
  EXPECT_EQ(
      m.Refusal(spec),
      R"(Service "web" is invalid: spec.ports[0].port: Invalid value: 80: host port 80/tcp is already used by service shop/db)");
  m.context.others.clear();
  m.busy = {80};
  EXPECT_TRUE(Contains(m.Refusal(spec), "host port 80 is busy"));
  EXPECT_TRUE(m.Give(spec, *given)) << "it has it already";
}

TEST(ServiceLinks, Variables) {
  Allocation a;
  a.ns = "default";
  a.name = "redis-master";
  a.cluster_ips = {Ip("10.96.0.11")};
  Allocation headless;
  headless.ns = "default";
  headless.name = "none";
  std::vector<ServiceLink> links =
      LinksOf({ServiceOf("redis-master", R"({"ports":[{"name":"main","port":6379},
                          {"name":"stats-2","port":80,"protocol":"UDP"}]})"),
               ServiceOf("none", R"({"clusterIP":"None","ports":[{"port":1}]})"),
               ServiceOf("new", R"({"ports":[{"port":1}]})")},
              {a, headless});
  std::vector<std::string> env = {"A=b", "REDIS_MASTER_PORT=mine"};
  AddServiceVariables(links, &env);
  EXPECT_EQ(Join(env, " "),
            "A=b REDIS_MASTER_PORT=mine REDIS_MASTER_SERVICE_HOST=10.96.0.11 "
            "REDIS_MASTER_SERVICE_PORT=6379 REDIS_MASTER_SERVICE_PORT_MAIN=6379 "
            "REDIS_MASTER_SERVICE_PORT_STATS_2=80 "
            "REDIS_MASTER_PORT_6379_TCP=tcp://10.96.0.11:6379 REDIS_MASTER_PORT_6379_TCP_PROTO=tcp "
            "REDIS_MASTER_PORT_6379_TCP_PORT=6379 REDIS_MASTER_PORT_6379_TCP_ADDR=10.96.0.11 "
            "REDIS_MASTER_PORT_80_UDP=udp://10.96.0.11:80 REDIS_MASTER_PORT_80_UDP_PROTO=udp "
            "REDIS_MASTER_PORT_80_UDP_PORT=80 REDIS_MASTER_PORT_80_UDP_ADDR=10.96.0.11");
}

}  // namespace
}  // namespace kpod::pods
