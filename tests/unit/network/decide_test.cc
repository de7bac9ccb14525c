// What is decided without touching the machine: addresses, leases, ports, messages.
#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "network/nft.h"
#include "network/ports.h"
#include "network/state.h"

namespace kpod::network {
namespace {

TEST(Address, Texts) {
  EXPECT_EQ(FormatIpv4(*ParseIpv4("10.244.0.1")), "10.244.0.1");
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", "::1", "a.b.c.d"})
    EXPECT_FALSE(ParseIpv4(bad)) << bad;
  EXPECT_EQ(FormatRange(*ParseRange("10.244.0.0/16")), "10.244.0.0/16");
  EXPECT_EQ(ParseRange("0.0.0.0/0")->Last(), 0xffffffffU);
  for (const char* bad : {"10.244.0.1/16", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "x/8"})
    EXPECT_FALSE(ParseRange(bad)) << bad;
  EXPECT_EQ(MacFor(*ParseIpv4("10.244.1.255")), "0a:58:0a:f4:01:ff");
  EXPECT_EQ(VethFor(*ParseIpv4("10.244.1.255")), "pod0af401ff");
}

TEST(Address, RangesThatMeet) {
  Range wide = *ParseRange("10.0.0.0/8");
  Range pods = *ParseRange("10.244.0.0/16");
  EXPECT_TRUE(wide.Overlaps(pods) && pods.Overlaps(wide) && pods.Overlaps(pods));
  EXPECT_FALSE(pods.Overlaps(*ParseRange("10.245.0.0/16")));
  EXPECT_EQ(FirstFree({pods, *ParseRange("172.16.0.0/16")}, {wide}), *ParseRange("172.16.0.0/16"));
  EXPECT_FALSE(FirstFree({pods}, {wide}));
}

TEST(Address, CandidatesAreEachTriedOnce) {
  Range small = *ParseRange("10.0.0.0/26");
  std::set<Ipv4> seen;
  for (uint32_t i = 0;; ++i) {
    auto ip = CandidateAddress(small, "default_web", i);
    if (!ip) break;
    EXPECT_TRUE(seen.insert(*ip).second);
    EXPECT_TRUE(small.Contains(*ip));
    EXPECT_NE(*ip, HostAddress(small));
    EXPECT_NE(*ip, NodeAddress(small));
    EXPECT_NE(*ip, small.Last());
  }
  EXPECT_EQ(seen.size(), 64U - 11U);
  EXPECT_FALSE(CandidateAddress(*ParseRange("10.0.0.0/29"), "x", 0));
}

class Leases : public testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/kpod-leases-XXXXXX";
    ASSERT_NE(::mkdtemp(dir), nullptr);
    paths_ = {std::string(dir) + "/root", std::string(dir) + "/run"};
    dir_ = dir;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  store::Paths paths_;
  std::string dir_;
};

TEST_F(Leases, OneHolderEach) {
  Config c{*ParseRange("10.0.0.0/28"), *ParseRange("10.1.0.0/16")};
  std::set<Ipv4> taken;
  for (int i = 0; i < 5; ++i) {
    auto ip = Lease(paths_, c, StrCat("default_p", i), "");
    ASSERT_TRUE(ip);
    EXPECT_TRUE(taken.insert(*ip).second);
  }
  auto none = Lease(paths_, c, "default_more", "");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message(), "no address is free in 10.0.0.0/28");
  auto again = Lease(paths_, c, "default_p0", "");
  ASSERT_TRUE(again);
  EXPECT_TRUE(taken.contains(*again)) << "its own, not another";
  EXPECT_TRUE(ReleaseLeases(paths_, "default_p3"));
  EXPECT_EQ(ListLeases(paths_)->size(), 4U);
  EXPECT_TRUE(Lease(paths_, c, "default_more", ""));
  EXPECT_FALSE(Lease(paths_, c, "default_x", "10.9.9.9"));
}

TEST_F(Leases, RecordsComeBack) {
  PodRecord r;
  r.id = "ns_web";
  r.ip = *ParseIpv4("10.0.0.9");
  r.names = {"web"};
  r.ports = {{"127.0.0.1", 8080, 80, "tcp"}};
  ASSERT_TRUE(WriteRecord(paths_, r));
  auto back = ReadRecord(paths_, "ns_web");
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->Namespace(), "ns");
  EXPECT_EQ((*back)->ip, r.ip);
  EXPECT_EQ(Describe((*back)->ports.at(0)), "127.0.0.1:8080/tcp");
  EXPECT_TRUE(RemoveRecord(paths_, "ns_web") && RemoveRecord(paths_, "ns_web"));
  EXPECT_TRUE(ListRecords(paths_)->empty());
}

TEST_F(Leases, DamagedFilesAreToldApartAndMended) {
  PodRecord web;
  web.id = "ns_web";
  web.ip = *ParseIpv4("10.0.0.9");
  PodRecord dead = web;
  dead.id = "ns_dead";
  dead.ip = *ParseIpv4("10.0.0.10");
  ASSERT_TRUE(WriteRecord(paths_, web) && WriteRecord(paths_, dead));
  std::string leases = paths_.Network() + "/leases/";
  ASSERT_TRUE(MakeDirs(leases));
  const auto alive = [](const std::string& id) { return id == "ns_web"; };
  for (std::string garbage : {"", "../../etc", "ns_other\n", "{}"}) {
    ASSERT_TRUE(WriteFileAtomic(leases + "10.0.0.9", garbage));
    ASSERT_TRUE(WriteFileAtomic(leases + "10.0.0.10", garbage));
    auto all = ListLeases(paths_);
    ASSERT_TRUE(all);
    for (const LeaseRecord& l : *all) EXPECT_EQ(l.pod_id, "") << garbage;
    ASSERT_TRUE(MendLeases(paths_, alive));
    EXPECT_EQ(ReadFile(leases + "10.0.0.9").value_or(""), "ns_web");
    EXPECT_EQ(ReadFile(leases + "10.0.0.10").value_or("?"), garbage);  // for whoever collects it
  }
  for (std::string garbage : {"", "{", "[]", "{\"id\": \"ns_other\"}"}) {
    ASSERT_TRUE(WriteFileAtomic(RecordDirectory(paths_) + "/ns_web.json", garbage));
    auto record = ReadRecord(paths_, "ns_web");
    ASSERT_FALSE(record) << garbage;
    EXPECT_EQ(record.error().code(), EBADMSG);
    EXPECT_EQ(ListRecords(paths_)->size(), 1U);
    EXPECT_EQ(ListRecordIds(paths_)->size(), 2U);
    ASSERT_TRUE(MakeDirs(paths_.Network()));
    ASSERT_TRUE(WriteFileAtomic(paths_.Network() + "/config.json", garbage));
    auto config = ReadConfig(paths_);
    ASSERT_TRUE(config);
    EXPECT_FALSE(*config);
  }
}

TEST(Ports, Conflicts) {
  struct Row {
    PortMapping a, b;
    bool conflict;
  };
  const Row rows[] = {
      {{"", 80, 80, "tcp"}, {"", 80, 81, "tcp"}, true},
      {{"", 80, 80, "tcp"}, {"", 80, 80, "udp"}, false},
      {{"", 80, 80, "tcp"}, {"", 81, 80, "tcp"}, false},
      {{"", 80, 80, "tcp"}, {"127.0.0.1", 80, 80, "tcp"}, true},
      {{"0.0.0.0", 80, 80, "tcp"}, {"127.0.0.1", 80, 80, "tcp"}, true},
      {{"127.0.0.2", 80, 80, "tcp"}, {"127.0.0.1", 80, 80, "tcp"}, false},
      {{"127.0.0.1", 80, 80, "tcp"}, {"127.0.0.1", 80, 80, "tcp"}, true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Conflict(row.a, row.b), row.conflict) << Describe(row.a) << " " << Describe(row.b);
    EXPECT_EQ(Conflict(row.b, row.a), row.conflict);
  }
  PodRecord own;
  own.id = "default_own";
  own.ports = {{"", 80, 80, "tcp"}};
  PodRecord other = own;
  other.id = "shop_other";
  EXPECT_TRUE(CheckAgainst({own}, own)) << "itself is nobody else";
  EXPECT_EQ(CheckAgainst({other}, own).error().message(),
            "host port 80/tcp is already used by pod shop/other");
  own.ports.push_back({"127.0.0.1", 80, 81, "tcp"});
  EXPECT_EQ(CheckAgainst({}, own).error().message(), "host port 127.0.0.1:80/tcp is wanted twice");
}

TEST(Nft, ElementsAreKeysOfPaddedFields) {
  PodRecord pod;
  pod.ip = *ParseIpv4("10.244.0.10");
  pod.ports = {{"", 8080, 80, "tcp"}, {"127.0.0.1", 53, 5353, "udp"}, {"0.0.0.0", 9, 9, "sctp"}};
  HostElements e = ElementsOf(pod);
  ASSERT_EQ(e.any.size(), 2U);
  ASSERT_EQ(e.one.size(), 1U);
  EXPECT_EQ(Hex(e.any.begin()->first), "060000001f900000");
  EXPECT_EQ(Hex(e.any.begin()->second), "0af4000a00500000");
  EXPECT_EQ(Hex(e.any.rbegin()->first), "8400000000090000");
  EXPECT_EQ(Hex(e.one.begin()->first), "7f0000011100000000350000");
  EXPECT_EQ(Hex(e.one.begin()->second), "0af4000a14e90000");
}

std::vector<int> Types(NftBatch batch) {
  std::vector<int> out;
  for (const NetlinkMessage& m : std::move(batch).Finish()) {
    nlmsghdr head = *Prefix<nlmsghdr>(m.wire());
    EXPECT_EQ(head.nlmsg_len, m.wire().size());
    EXPECT_LE(m.wire().size(), 4096U);
    out.push_back(head.nlmsg_type);
  }
  return out;
}

TEST(Nft, BatchesHaveBothEndsAndFitTheirMessages) {
  constexpr int kNft = NFNL_SUBSYS_NFTABLES << 8;
  HostTable table{"kpod", "kpod0", {*ParseRange("10.244.0.0/16"), *ParseRange("10.96.0.0/16")}};
  EXPECT_EQ(Types(DeleteTableBatch(table)),
            (std::vector<int>{NFNL_MSG_BATCH_BEGIN, kNft | NFT_MSG_NEWTABLE,
                              kNft | NFT_MSG_DELTABLE, NFNL_MSG_BATCH_END}));
  PodRecord pod;
  pod.ip = 1;
  EXPECT_EQ(Types(AddPortsBatch(table, pod)).size(), 2U);
  for (uint16_t port = 1; port <= 100; ++port) pod.ports.push_back({"", port, port, "tcp"});
  EXPECT_EQ(Types(AddPortsBatch(table, pod)).size(), 2U + 5U) << "24 elements a message";
  EXPECT_EQ(Types(RemovePortsBatch(table, pod)).size(), 2U + 5U);
  size_t first = Types(TableBatch(table, false, {pod}, {})).size();
  EXPECT_GT(first, 15U);
  EXPECT_EQ(Types(TableBatch(table, true, {pod}, {})).size(), first + 2);
}

}  // namespace
}  // namespace kpod::network
