#include "network/zone.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/unit/network/zone_example.h"

namespace kpod::network {
namespace {

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
      {"10-244-0-99.other.pod.cluster.local", true, true, {"10.244.0.99"}},  // whosever it is
      {"10-244-0-12.nosuch.pod.cluster.local", true, false, {}},
      {"10-244-0.other.pod.cluster.local", true, false, {}},
      {"x.10-244-0-12.other.pod.cluster.local", true, false, {}},
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
      {"none.default.svc.cluster.local", true, false, {}},  // headless, and nobody is ready
      {"none", true, false, {}},
      {"plain.default.svc.cluster.local", true, true, {"10.244.0.30", "fd00::30"}},
      {"10-244-0-30.plain.default.svc.cluster.local", true, true, {"10.244.0.30"}},
      {"fd00--30.plain.default.svc.cluster.local", true, true, {"fd00::30"}},
      {"10-244-0-20.peers.default.svc.cluster.local", true, false, {}},  // it has a name
      // Empty names between.
      {"svc.cluster.local", true, true, {}},
      {"pod.cluster.local", true, true, {}},
      {"nosuch.svc.cluster.local", true, false, {}},
      {"_tcp.api.default.svc.cluster.local", true, true, {}},
      {"_sctp.api.default.svc.cluster.local", true, false, {}},
      {"x.cluster.local", true, false, {}},
      // Aliases within the domain are followed, but not for ever.
      {"near.default.svc.cluster.local", true, true, {"10.96.0.7"}},
      {"near", true, true, {"10.96.0.7"}},
      {"loop.default.svc.cluster.local", true, true, {}},
      {"x.near.default.svc.cluster.local", true, false, {}},
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

std::string Places(const std::string& name) {
  std::vector<std::string> out;
  for (const Answer::Place& p : Resolve(name, TestZone(), "default").places)
    out.push_back(StrCat(p.host.substr(0, p.host.find(".default")), ":", p.port));
  return Join(out, " ");
}

TEST(Zone, WherePortsAreServed) {
  struct Row {
    const char* name;
    const char* places;
  };
  const Row rows[] = {
      {"_http._tcp.api.default.svc.cluster.local", "api:80"},
      {"_dns._udp.api.default.svc.cluster.local", "api:53"},
      {"_dns._tcp.api.default.svc.cluster.local", ""},
      {"_._tcp.api.default.svc.cluster.local", ""},
      {"x._http._tcp.api.default.svc.cluster.local", ""},
      {"_db._tcp.peers.default.svc.cluster.local", "p-0.peers:8080 p-1.peers:8080"},
      {"_repl._tcp.peers.default.svc.cluster.local", ""},  // none has such a port
      {"api.default.svc.cluster.local", "api:80 api:53 api:99"},
      {"outside.default.svc.cluster.local", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(Places(row.name), row.places) << row.name;
  Answer a = Resolve("_db._tcp.peers.default.svc.cluster.local", TestZone(), "default");
  ASSERT_FALSE(a.places.empty());
  EXPECT_EQ(a.places[0].addresses, std::vector<Address>{*Address::Parse("10.244.0.20")});
  EXPECT_EQ(Resolve("dns-version.cluster.local", TestZone(), "default").text, "1.1.0");
}

TEST(Zone, Aliases) {
  Answer out = Resolve("outside.default.svc.cluster.local", TestZone(), "default");
  EXPECT_EQ(out.aliases, std::vector<std::string>{"db.example.com"});
  EXPECT_TRUE(out.exists && out.leads_outside);
  Answer in = Resolve("near.default.svc.cluster.local", TestZone(), "default");
  EXPECT_EQ(in.aliases, (std::vector<std::string>{"further.default.svc.cluster.local",
                                                  "api.default.svc.cluster.local"}));
  EXPECT_FALSE(in.leads_outside);
}

TEST(Zone, AServiceOfTheNameDecidesOverPods) {
  Zone z = TestZone();
  EXPECT_TRUE(Resolve("db-0.db.default.svc.cluster.local", z, "default").exists);
  z.services.push_back(Service("default", "db", ""));
  EXPECT_FALSE(Resolve("db-0.db.default.svc.cluster.local", z, "default").exists) << "not ready";
  z.services.back().endpoints = {Ready("10.244.0.11", "db-0")};
  EXPECT_TRUE(Resolve("db-0.db.default.svc.cluster.local", z, "default").exists);
}

}  // namespace
}  // namespace kpod::network
