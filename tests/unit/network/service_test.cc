// Services as the network keeps them: addresses of both families, files that come back whole.
#include "network/service.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/text.h"

namespace kpod::network {
namespace {

TEST(Address, OfBothFamilies) {
  struct Row {
    const char* text;
    const char* back;
    bool v6;
    const char* bytes;
  };
  const Row rows[] = {
      {"10.96.0.1", "10.96.0.1", false, "0a600001"},
      {"fd00:0:0::1", "fd00::1", true, "fd000000000000000000000000000001"},
      {"::", "::", true, "00000000000000000000000000000000"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4", true, "00000000000000000000ffff01020304"},
  };
  for (const Row& row : rows) {
    auto a = Address::Parse(row.text);
    ASSERT_TRUE(a) << row.text;
    EXPECT_EQ(a->Text(), row.back);
    EXPECT_EQ(a->v6(), row.v6);
    EXPECT_EQ(Hex(a->Bytes()), row.bytes);
    EXPECT_EQ(Address::Parse(a->Text()), a);
  }
  for (const char* bad : {"", "fe80::1%eth0", "[::1]", ":::", "1.2.3",
                          "g::", "0000:0000:0000:0000:0000:0000:0000:0000:0000"})
    EXPECT_FALSE(Address::Parse(bad)) << bad;
  EXPECT_TRUE(Address().empty());
  EXPECT_FALSE(Address::Parse("::")->empty()) << "not the same as 0.0.0.0";
  EXPECT_EQ(Address(0x0a600001).v4(), 0x0a600001U);
}

class ServiceFiles : public testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/kpod-services-XXXXXX";
    ASSERT_NE(::mkdtemp(dir), nullptr);
    dir_ = dir;
    paths_ = {dir_ + "/root", dir_ + "/run"};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  store::Paths paths_;
  std::string dir_;
};

TEST_F(ServiceFiles, AllocationsComeBack) {
  EXPECT_TRUE(ListAllocations(paths_)->empty());
  Allocation a;
  a.ns = "shop";
  a.name = "web";
  a.cluster_ips = {*Address::Parse("10.96.1.2"), *Address::Parse("fd01::2")};
  a.node_ports = {{PortKey("tcp", 80), 30080}};
  a.host_ports = {PortKey("tcp", 80)};
  ASSERT_TRUE(WriteAllocation(paths_, a));
  std::vector<Allocation> back = *ListAllocations(paths_);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].ns, "shop");
  EXPECT_EQ(back[0].cluster_ips, a.cluster_ips);
  EXPECT_EQ(back[0].node_ports, a.node_ports);
  EXPECT_EQ(back[0].host_ports, a.host_ports);
  EXPECT_TRUE(RemoveAllocation(paths_, "shop", "web"));
  EXPECT_TRUE(RemoveAllocation(paths_, "shop", "web")) << "idempotent";
  EXPECT_TRUE(ListAllocations(paths_)->empty());
}

TEST_F(ServiceFiles, TablesComeBack) {
  ServiceRecord s;
  s.ns = "shop";
  s.name = "web";
  s.type = "LoadBalancer";
  s.cluster_ips = {*Address::Parse("10.96.1.2")};
  s.external_ips = {*Address::Parse("192.0.2.1")};
  s.load_balancer_ips = {*Address::Parse("198.51.100.1")};
  s.load_balancer_source_ranges = {"10.0.0.0/8"};
  s.affinity_seconds = 60;
  s.external_local = true;
  s.ports = {{"http", "tcp", "", 80, 30080, "web"}, {"dns", "udp", "", 53, 0, "53"}};
  Endpoint e;
  e.ip = *Address::Parse("10.244.0.9");
  e.ready = e.serving = true;
  e.local = false;
  e.hostname = "h";
  e.pod = "web-1";
  e.ports = {8080, 0};
  s.endpoints = {e};
  ServiceRecord name;
  name.ns = "shop";
  name.name = "db";
  name.type = "ExternalName";
  name.external_name = "db.example.com";
  ASSERT_TRUE(WriteServices(paths_, "shop", {name, s}));
  std::vector<ServiceRecord> back = *ListServices(paths_);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].external_name, "db.example.com");
  EXPECT_FALSE(back[0].IsHeadless());
  const ServiceRecord& b = back[1];
  EXPECT_EQ(b.ns, "shop");
  EXPECT_EQ(b.type, "LoadBalancer");
  EXPECT_EQ(b.cluster_ips, s.cluster_ips);
  EXPECT_EQ(b.external_ips, s.external_ips);
  EXPECT_EQ(b.load_balancer_ips, s.load_balancer_ips);
  EXPECT_EQ(b.load_balancer_source_ranges, s.load_balancer_source_ranges);
  EXPECT_EQ(b.affinity_seconds, 60);
  EXPECT_TRUE(b.external_local);
  EXPECT_FALSE(b.internal_local);
  ASSERT_EQ(b.ports.size(), 2U);
  EXPECT_EQ(b.ports[0].node_port, 30080);
  EXPECT_EQ(b.ports[1].protocol, "udp");
  ASSERT_EQ(b.endpoints.size(), 1U);
  EXPECT_EQ(b.endpoints[0].ip, e.ip);
  EXPECT_TRUE(b.endpoints[0].ready && b.endpoints[0].serving && !b.endpoints[0].terminating);
  EXPECT_FALSE(b.endpoints[0].local);
  EXPECT_EQ(b.endpoints[0].ports, e.ports);
  ASSERT_TRUE(WriteServices(paths_, "shop", {}));
  EXPECT_TRUE(ListServices(paths_)->empty());
  EXPECT_TRUE(ListDir(ServiceDirectory(paths_))->empty());
}

TEST_F(ServiceFiles, ADamagedTableIsAnErrorOrCutShort) {
  ASSERT_TRUE(MakeDirs(ServiceDirectory(paths_)));
  std::string path = ServiceDirectory(paths_) + "/shop.json";
  ASSERT_TRUE(WriteFileAtomic(path, "{"));
  EXPECT_FALSE(ListServices(paths_));
  ASSERT_TRUE(WriteFileAtomic(path, R"({"services":[{"name":"web","ports":[{"port":80},{"port":-1}],
      "endpoints":[{"ip":"x","ports":[70000,"y"]},{"ip":"10.0.0.1"}]}]})"));
  std::vector<ServiceRecord> back = *ListServices(paths_);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].ports.at(1).port, 0);
  for (const Endpoint& e : back[0].endpoints) EXPECT_EQ(e.ports.size(), 2U) << "one a port";
}

}  // namespace
}  // namespace kpod::network
