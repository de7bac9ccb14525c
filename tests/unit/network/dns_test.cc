#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <random>

#include "network/dns_packet.h"
#include "network/resolvers.h"

namespace kpod::network {
namespace {

PodRecord Pod(const std::string& id, const std::string& ip, std::vector<std::string> names) {
  PodRecord p;
  p.id = id;
  p.ip = *ParseIpv4(ip);
  p.names = std::move(names);
  return p;
}

Endpoint Ready(const std::string& ip, const std::string& hostname = "", bool ready = true) {
  Endpoint e;
  e.ip = *Address::Parse(ip);
  e.ready = ready;
  e.hostname = hostname;
  return e;
}

ServiceRecord Service(const std::string& ns, const std::string& name, const std::string& ip) {
  ServiceRecord s;
  s.ns = ns;
  s.name = name;
  if (!ip.empty()) s.cluster_ips = {*Address::Parse(ip)};
  return s;
}

Zone TestZone() {
  Zone z;
  z.pod_range = *ParseRange("10.244.0.0/16");
  z.service_range = *ParseRange("10.96.0.0/16");
  z.pods = {Pod("default_web", "10.244.0.10", {"web"}),
            Pod("default_db-0", "10.244.0.11", {"db-0", "db-0.db.default.svc.cluster.local"}),
            Pod("other_web", "10.244.0.12", {"web"}), Pod("default_api", "10.244.0.13", {"api"})};
  ServiceRecord api = Service("default", "api", "10.96.0.7");
  ServiceRecord stateful = Service("default", "peers", "");
  stateful.endpoints = {Ready("10.244.0.20", "p-0"), Ready("10.244.0.21", "p-1"),
                        Ready("10.244.0.22", "p-2", false)};
  ServiceRecord none = Service("default", "none", "");
  ServiceRecord outside = Service("default", "outside", "");
  outside.type = "ExternalName";
  outside.external_name = "db.example.com";
  ServiceRecord dual = Service("default", "dual", "10.96.0.8");
  dual.cluster_ips.push_back(*Address::Parse("fd00::8"));
  z.services = {api, stateful, none, outside, dual};
  return z;
}

TEST(Zone, Names) {
  struct Row {
    const char* name;
    bool ours, exists;
    std::vector<std::string> addresses;
  };
  const Row rows[] = {
      {"web.default.svc.cluster.local", true, true, {"10.244.0.10"}},
      {"web.other.svc.cluster.local", true, true, {"10.244.0.12"}},
      {"db-0.db.default.svc.cluster.local", true, true, {"10.244.0.11"}},
      {"10-244-0-12.other.pod.cluster.local", true, true, {"10.244.0.12"}},
      {"10-244-0-12.default.pod.cluster.local", true, false, {}},
      {"web", true, true, {"10.244.0.10"}},  // the asker's own namespace
      {"nosuch", false, false, {}},          // may be a name of the host's network
      {"example.com", false, false, {}},
      {"xcluster.local", false, false, {}},
      {"cluster.local", true, true, {}},
      {"db.default.svc.cluster.local", true, true, {}},  // names lie below it
      {"nosuch.default.svc.cluster.local", true, false, {}},
      {"example.com.default.svc.cluster.local", true, false, {}},
      {"", false, false, {}},
      // Services, before pods of the same name.
      {"api.default.svc.cluster.local", true, true, {"10.96.0.7"}},
      {"api", true, true, {"10.96.0.7"}},
      {"api.other.svc.cluster.local", true, false, {}},
      {"peers.default.svc.cluster.local", true, true, {"10.244.0.20", "10.244.0.21"}},
      {"p-1.peers.default.svc.cluster.local", true, true, {"10.244.0.21"}},
      {"p-2.peers.default.svc.cluster.local", true, false, {}},  // not ready
      {"p-1.api.default.svc.cluster.local", true, false, {}},
      {"none.default.svc.cluster.local", true, true, {}},
      {"dual.default.svc.cluster.local", true, true, {"10.96.0.8", "fd00::8"}},
      {"default.svc.cluster.local", true, true, {}},
  };
  for (const Row& row : rows) {
    Answer a = Resolve(row.name, TestZone(), "default");
    EXPECT_EQ(a.ours, row.ours) << row.name;
    EXPECT_EQ(a.exists, row.exists) << row.name;
    std::vector<std::string> got;
    for (const Address& ip : a.addresses) got.push_back(ip.Text());
    EXPECT_EQ(got, row.addresses) << row.name;
  }
}

TEST(Zone, Reverse) {
  Answer a = Resolve("10.0.244.10.in-addr.arpa", TestZone(), "default");
  EXPECT_TRUE(a.ours && a.exists);
  EXPECT_EQ(a.names, std::vector<std::string>{"web.default.svc.cluster.local"});
  EXPECT_EQ(Resolve("7.0.96.10.in-addr.arpa", TestZone(), "default").names,
            std::vector<std::string>{"api.default.svc.cluster.local"});
  EXPECT_EQ(Resolve("20.0.244.10.in-addr.arpa", TestZone(), "default").names,
            std::vector<std::string>{"p-0.peers.default.svc.cluster.local"});
  EXPECT_TRUE(Resolve("9.0.96.10.in-addr.arpa", TestZone(), "default").ours);
  EXPECT_FALSE(Resolve("99.0.244.10.in-addr.arpa", TestZone(), "default").exists);
  EXPECT_FALSE(Resolve("1.1.168.192.in-addr.arpa", TestZone(), "default").ours);
  EXPECT_FALSE(Resolve("1.1.1.in-addr.arpa", TestZone(), "default").ours);
}

// A query for `name` as a client writes it.
std::string Query(const std::string& name, uint16_t type, int udp_size = 0) {
  std::string q("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  if (udp_size > 0) q[11] = 1;
  size_t at = 0;
  while (at < name.size()) {
    size_t dot = std::min(name.find('.', at), name.size());
    q += static_cast<char>(dot - at);
    q += name.substr(at, dot - at);
    at = dot + 1;
  }
  q += '\0';
  q += std::string{static_cast<char>(type >> 8), static_cast<char>(type), 0, 1};
  if (udp_size > 0)
    q += std::string{
        0, 0, 41, static_cast<char>(udp_size >> 8), static_cast<char>(udp_size), 0, 0, 0, 0, 0, 0};
  return q;
}

int Byte(const std::string& s, size_t i) { return static_cast<unsigned char>(s.at(i)); }
int Rcode(const std::string& s) { return Byte(s, 3) & 15; }
int Count(const std::string& s, size_t section) {
  return Byte(s, 4 + 2 * section) << 8 | Byte(s, 5 + 2 * section);
}

TEST(DnsPacket, Questions) {
  auto q = ParseQuestion(Query("WeB.Default.svc.cluster.local", 1));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->name, "web.default.svc.cluster.local");
  EXPECT_EQ(q->id, 0x1234);
  EXPECT_EQ(q->type, 1);
  EXPECT_EQ(q->udp_size, 512U);
  EXPECT_EQ(ParseQuestion(Query("a", 28, 1232))->udp_size, 1232U);
  EXPECT_EQ(ParseQuestion(Query("a", 28, 100))->udp_size, 512U);
  EXPECT_EQ(ParseQuestion(Query("a", 28, 65000))->udp_size, 4096U);
  EXPECT_FALSE(ParseQuestion(""));
  EXPECT_FALSE(ParseQuestion("short"));
}

TEST(DnsPacket, Answers) {
  struct Row {
    const char* name;
    uint16_t type;
    int rcode, answers, authority;
  };
  const Row rows[] = {
      {"web.default.svc.cluster.local", 1, 0, 1, 0},
      {"WEB.default.svc.cluster.LOCAL", 1, 0, 1, 0},
      {"web.default.svc.cluster.local", 28, 0, 0, 1},  // NODATA, at once
      {"web.default.svc.cluster.local", 15, 0, 0, 1},
      {"nosuch.default.svc.cluster.local", 1, 3, 0, 1},  // NXDOMAIN
      {"dual.default.svc.cluster.local", 28, 0, 1, 0},
      {"dual.default.svc.cluster.local", 255, 0, 2, 0},
      {"outside.default.svc.cluster.local", 1, 0, 1, 0},  // CNAME
      {"peers.default.svc.cluster.local", 1, 0, 2, 0},
      {"none.default.svc.cluster.local", 1, 0, 0, 1},
      {"10.0.244.10.in-addr.arpa", 12, 0, 1, 0},
      {"99.0.244.10.in-addr.arpa", 12, 3, 0, 0},
  };
  for (const Row& row : rows) {
    std::string query = Query(row.name, row.type);
    auto q = ParseQuestion(query);
    ASSERT_TRUE(q) << row.name;
    std::string out = BuildAnswer(query, Resolve(q->name, TestZone(), "default"), 512);
    ASSERT_GE(out.size(), 12U) << row.name;
    EXPECT_EQ(out.substr(0, 2), query.substr(0, 2));
    EXPECT_EQ(Byte(out, 2) & 0x84, 0x84) << "a response, authoritative";
    EXPECT_EQ(Rcode(out), row.rcode) << row.name;
    EXPECT_EQ(Count(out, 0), 1);
    EXPECT_EQ(Count(out, 1), row.answers) << row.name;
    EXPECT_EQ(Count(out, 2), row.authority) << row.name;
    // The question comes back letter by letter (0x20 of some resolvers).
    EXPECT_EQ(out.substr(12, query.size() - 12), query.substr(12));
    EXPECT_TRUE(network::Answers(out, 0x1234, *q));
    EXPECT_FALSE(network::Answers(out, 0x1235, *q));
  }
}

TEST(DnsPacket, TooLongIsTruncated) {
  Answer many;
  many.ours = many.exists = true;
  for (uint32_t i = 0; i < 100; ++i) many.addresses.emplace_back(0x0af40000 + i);
  std::string query = Query("web.default.svc.cluster.local", 1);
  std::string cut = BuildAnswer(query, many, 512);
  EXPECT_LE(cut.size(), 512U);
  EXPECT_EQ(Byte(cut, 2) & 2, 2) << "TC";
  std::string whole = BuildAnswer(query, many, 65535);
  EXPECT_EQ(Count(whole, 1), 100);
  EXPECT_EQ(Byte(whole, 2) & 2, 0);
}

TEST(DnsPacket, Refusals) {
  std::string query = Query("a", 1);
  EXPECT_EQ(Rcode(BuildFailure(query)), 2);
  std::string two = query;
  two[5] = 2;
  EXPECT_FALSE(ParseQuestion(two));
  EXPECT_EQ(Rcode(BuildRefusal(two)), 1) << "FORMERR";
  std::string update = query;
  update[2] = 5 << 3;
  EXPECT_FALSE(ParseQuestion(update));
  EXPECT_EQ(Rcode(BuildRefusal(update)), 4) << "NOTIMP";
  std::string response = query;
  response[2] = static_cast<char>(0x80);
  EXPECT_FALSE(ParseQuestion(response));
  EXPECT_EQ(BuildRefusal(response), "") << "an answer to an answer makes a loop";
  EXPECT_EQ(BuildRefusal("abc"), "");
}

// What comes from a container or from upstream is hostile. Seeds are fixed: a failure repeats.
TEST(DnsPacket, MutationsNeverCrashOrAmplify) {
  std::mt19937 random(1);
  const std::string seeds[] = {Query("web.default.svc.cluster.local", 1, 1232),
                               Query("10.0.244.10.in-addr.arpa", 12),
                               BuildFailure(Query("a.b", 255))};
  Question asked = *ParseQuestion(seeds[0]);
  for (int i = 0; i < 60000; ++i) {
    std::string s = seeds[random() % 3];
    for (uint32_t n = random() % 8; n > 0 && !s.empty(); --n) {
      size_t at = random() % s.size();
      switch (random() % 4) {
        case 0:
          s[at] = static_cast<char>(random());
          break;
        case 1:
          s.erase(at, random() % 8);
          break;
        case 2:
          s.insert(at, 1 + random() % 4, static_cast<char>(0xc0));
          break;
        case 3:
          s.resize(at);
          break;
      }
    }
    (void)network::Answers(s, asked.id, asked);
    auto q = ParseQuestion(s);
    if (!q) {
      EXPECT_LE(BuildRefusal(s).size(), 12U);
      continue;
    }
    std::string out = BuildAnswer(s, Resolve(q->name, TestZone(), "default"), q->udp_size);
    EXPECT_LE(out.size(), std::max<size_t>(q->udp_size, 512));
    (void)BuildFailure(s);
    (void)Truncated(s, s, 12);
  }
}

TEST(Resolvers, OfResolvConf) {
  auto families = [](std::string_view text) {
    std::vector<int> out;
    for (const Resolver& r : ParseResolvers(text)) out.push_back(r.address.ss_family);
    return out;
  };
  EXPECT_EQ(families(""), std::vector<int>{});
  EXPECT_EQ(families("nameserver 127.0.0.53\noptions edns0\n"), std::vector<int>{AF_INET});
  EXPECT_EQ(families("nameserver\t 1.2.3.4  \r\nnameserver ::1\n"),
            (std::vector<int>{AF_INET, AF_INET6}));
  EXPECT_EQ(families("nameserver fe80::1%eth0\nnameserver x\n# nameserver 1.1.1.1\nnameserver\n"),
            std::vector<int>{});
  EXPECT_EQ(
      families("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4")
          .size(),
      3U);
}

}  // namespace
}  // namespace kpod::network
