#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <random>

#include "network/dns_cache.h"
#include "network/dns_packet.h"
#include "network/resolvers.h"
#include "tests/unit/network/zone_example.h"

namespace kpod::network {
namespace {

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
      {"none.default.svc.cluster.local", 1, 3, 0, 1},
      {"near.default.svc.cluster.local", 1, 0, 3, 0},   // two CNAME and the address
      {"near.default.svc.cluster.local", 5, 0, 2, 0},   // CNAME
      {"near.default.svc.cluster.local", 28, 0, 2, 0},  // ... of which there is none
      {"api.default.svc.cluster.local", 33, 0, 3, 0},   // SRV
      {"_http._tcp.api.default.svc.cluster.local", 33, 0, 1, 0},
      {"_http._tcp.api.default.svc.cluster.local", 1, 0, 0, 1},
      {"_nosuch._tcp.api.default.svc.cluster.local", 33, 3, 0, 1},
      {"_db._tcp.peers.default.svc.cluster.local", 33, 0, 2, 0},
      {"dns-version.cluster.local", 16, 0, 1, 0},
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
  EXPECT_GT(Count(cut, 1), 20) << "what fits stays";
  std::string whole = BuildAnswer(query, many, 65535);
  EXPECT_EQ(Count(whole, 1), 100);
  EXPECT_EQ(Byte(whole, 2) & 2, 0);
}

TEST(DnsPacket, WhereItIsServedComesWithTheAddress) {
  std::string query = Query("_http._tcp.api.default.svc.cluster.local", 33);
  Answer a = Resolve(ParseQuestion(query)->name, TestZone(), "default");
  std::string out = BuildAnswer(query, a, 512);
  EXPECT_EQ(Count(out, 3), 1) << "A in the additional section";
  // Priority 0, weight 100, port 80, then the name, never compressed (RFC 2782).
  std::string name("\3api\7default\3svc\7cluster\5local\0", 31);
  EXPECT_NE(out.find(std::string("\0\0\0\x64\0\x50", 6) + name), std::string::npos);
  // Whatever does not fit is left out there first.
  std::string cut = BuildAnswer(query, a, out.size() - 1);
  EXPECT_EQ(Count(cut, 1), 1);
  EXPECT_EQ(Count(cut, 3), 0);
  EXPECT_EQ(Byte(cut, 2) & 2, 0);
}

// What upstream says of a name: the question, and addresses with this TTL.
std::string Response(const std::string& name, int rcode, const std::vector<int>& ttls,
                     const std::string& more = "") {
  std::string r = Query(name, 1);
  r[2] = static_cast<char>(0x81);
  r[3] = static_cast<char>(0x80 | rcode);
  r[7] = static_cast<char>(ttls.size());
  r[9] = more.empty() ? 0 : 1;
  for (int ttl : ttls) {
    r += std::string("\xc0\x0c\0\1\0\1\0\0", 8);
    r += std::string{static_cast<char>(ttl >> 8), static_cast<char>(ttl), 0, 4, 1, 2, 3, 4};
  }
  return r + more;
}
// Of the root: TTL 20, and 10 s for what is not there.
const std::string kSoa("\0\0\6\0\1\0\0\0\x14\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\xa",
                       33);

TEST(DnsPacket, AliasesThatLeadOutside) {
  std::string query = Query("outside.default.svc.cluster.local", 1);
  Answer a = Resolve(ParseQuestion(query)->name, TestZone(), "default");
  EXPECT_TRUE(NeedsMore(a, 1));
  EXPECT_FALSE(NeedsMore(a, 5));
  std::string out = BuildAliasAnswer(query, a, Response("db.example.com", 0, {60, 60}), 512);
  EXPECT_EQ(Count(out, 1), 3);
  EXPECT_EQ(out.substr(0, 2), query.substr(0, 2));
  EXPECT_EQ(Rcode(BuildAliasAnswer(query, a, Response("db.example.com", 3, {}), 512)), 3);
  EXPECT_EQ(Rcode(BuildAliasAnswer(query, a, "nonsense", 512)), 2);
}

TEST(DnsPacket, HowLongItMayBeSaidAgain) {
  struct Row {
    std::string response;
    uint32_t seconds;
  };
  std::string cut = Response("a.b", 0, {60});
  cut[2] = static_cast<char>(0x83);
  const Row rows[] = {
      {Response("a.b", 0, {60}), 30},
      {Response("a.b", 0, {60, 7}), 7},
      {Response("a.b", 0, {0}), 0},
      {Response("a.b", 0, {}), 0},  // nothing, and nobody says for how long
      {Response("a.b", 3, {}, kSoa), 10},
      {Response("a.b", 0, {}, kSoa), 10},
      {Response("a.b", 3, {}), 0},
      {Response("a.b", 2, {60}), 0},  // SERVFAIL
      {cut, 0},
      {"", 0},
  };
  for (const Row& row : rows) EXPECT_EQ(LifetimeOf(row.response), row.seconds) << &row - rows;
}

TEST(DnsCache, KeepsAgesAndForgets) {
  constexpr int64_t kSecond = 1'000'000'000;
  DnsCache cache;
  std::string query = Query("a.b", 1);
  cache.Keep(query, Response("a.b", 0, {20}), 0);
  std::string other = query;
  other[0] = 9;
  auto found = cache.Find(other, 5 * kSecond);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->substr(0, 2), other.substr(0, 2));
  EXPECT_EQ(Byte(*found, found->size() - 7), 15) << "what is left of the TTL";
  EXPECT_FALSE(cache.Find(Query("A.b", 1), 0)) << "letters are answered as they were asked";
  EXPECT_FALSE(cache.Find(Query("a.b", 28), 0));
  EXPECT_FALSE(cache.Find("", 0));
  EXPECT_FALSE(cache.Find(query, 20 * kSecond));
  EXPECT_EQ(cache.bytes(), 0U);
  cache.Keep(query, Response("a.b", 2, {20}), 0);
  EXPECT_FALSE(cache.Find(query, 0)) << "a failure is no answer";
  // Many names: those that end first go first, and there is a limit.
  for (int i = 0; i < 5000; ++i) {
    std::string name = "n" + std::to_string(i) + ".b";
    cache.Keep(Query(name, 1), Response(name, 0, {20}), i);
  }
  EXPECT_LE(cache.bytes(), 65536U);
  EXPECT_FALSE(cache.Find(Query("n0.b", 1), 5000));
  EXPECT_TRUE(cache.Find(Query("n4999.b", 1), 5000));
}

TEST(DnsPacket, Refusals) {
  std::string query = Query("a", 1);
  EXPECT_EQ(Rcode(BuildFailure(query)), 2);
  std::string chaos = query;
  chaos.back() = 3;
  EXPECT_TRUE(ParseQuestion(query)->internet);
  EXPECT_FALSE(ParseQuestion(chaos)->internet);
  EXPECT_EQ(Rcode(BuildWrongClass(chaos)), 5);
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
    (void)LifetimeOf(s);
    (void)Aged(s, 7);
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
