// Which endpoints a Service has: by tables.
#include "pods/endpoints.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "kube/decode.h"

namespace kpod::pods {
namespace {

using network::Address;

EndpointPod PodOf(const std::string& name, const std::string& ip, const kube::StringMap& labels) {
  EndpointPod p;
  p.name = name;
  p.labels = labels;
  p.ips = {*Address::Parse(ip)};
  p.ready = true;
  return p;
}

PortPlan PortOf(const std::string& name, int number, const std::string& protocol = "TCP") {
  PortPlan p;
  p.name = name;
  p.protocol = protocol;
  p.container_port = number;
  return p;
}

struct World : ServiceWorld {
  World& Service(const char* spec, const char* name = "web") {
    Json j = {{"metadata", {{"name", name}}}, {"spec", Json::parse(spec)}};
    services.push_back(kube::DecodeService(j));
    if (!services.back().IsHeadless() && !services.back().IsExternalName()) {
      network::Allocation& a = allocations[name];
      a.name = name;
      a.cluster_ips = {*Address::Parse("10.96.0.1")};
    }
    return *this;
  }
  World& Pod(EndpointPod p) {
    pods.push_back(std::move(p));
    return *this;
  }
  network::ServiceRecord Only() const { return MakeServiceRecords(*this).at(0); }
  // "10.0.0.1:80,81 ready serving" for each endpoint, by "; ".
  std::string Text() const {
    std::vector<std::string> lines;
    for (const network::Endpoint& e : Only().endpoints) {
      std::vector<std::string> ports;
      for (uint16_t p : e.ports) ports.push_back(StrCat(p));
      std::string line = StrCat(e.ip.Text(), ":", Join(ports, ","));
      if (e.ready) line += " ready";
      if (e.serving) line += " serving";
      if (e.terminating) line += " terminating";
      if (!e.local) line += " elsewhere";
      if (!e.hostname.empty()) line += " " + e.hostname;
      lines.push_back(line);
    }
    return Join(lines, "; ");
  }
};

constexpr const char* kWeb =
    R"({"selector":{"app":"web"},"ports":[{"port":80,"targetPort":8080}]})";

TEST(Endpoints, SelectorTakesThePodsThatHaveAllItsLabels) {
  World w;
  w.Service(R"({"selector":{"app":"web","tier":"front"},"ports":[{"port":80}]})");
  w.Pod(PodOf("b", "10.0.0.2", {{"app", "web"}, {"tier", "front"}, {"x", "y"}}));
  w.Pod(PodOf("a", "10.0.0.1", {{"app", "web"}, {"tier", "front"}}));
  w.Pod(PodOf("c", "10.0.0.3", {{"app", "web"}}));
  w.Pod(PodOf("d", "10.0.0.4", {{"app", "web"}, {"tier", "back"}}));
  EXPECT_EQ(w.Text(), "10.0.0.1:80 ready serving; 10.0.0.2:80 ready serving");
}

TEST(Endpoints, NamedPortsAreEachPodsOwn) {
  World w;
  w.Service(R"({"selector":{"app":"web"},"ports":[{"name":"h","port":80,"targetPort":"http"},
                {"name":"d","port":53,"targetPort":"dns","protocol":"UDP"}]})");
  EndpointPod a = PodOf("a", "10.0.0.1", {{"app", "web"}});
  a.ports = {PortOf("http", 8080), PortOf("dns", 53), PortOf("dns", 5353, "UDP")};
  EndpointPod b = PodOf("b", "10.0.0.2", {{"app", "web"}});
  b.ports = {PortOf("http", 9090)};
  w.Pod(a).Pod(b).Pod(PodOf("c", "10.0.0.3", {{"app", "web"}}));
  EXPECT_EQ(w.Text(),
            "10.0.0.1:8080,5353 ready serving; 10.0.0.2:9090,0 ready serving; "
            "10.0.0.3:0,0 ready serving");
  network::ServiceRecord r = w.Only();
  EXPECT_EQ(network::UsableEndpoints(r, 0, false, false), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(network::UsableEndpoints(r, 1, false, false), (std::vector<size_t>{0}));
}

TEST(Endpoints, Conditions) {
  struct Row {
    bool ready, terminating, publish;
    const char* want;
  };
  const Row rows[] = {
      {true, false, false, "10.0.0.1:8080 ready serving"},
      {false, false, false, "10.0.0.1:8080"},
      {true, true, false, "10.0.0.1:8080 serving terminating"},
      {false, true, false, "10.0.0.1:8080 terminating"},
      {false, false, true, "10.0.0.1:8080 ready"},
      {true, true, true, "10.0.0.1:8080 ready serving terminating"},
  };
  for (const Row& row : rows) {
    World w;
    w.Service(kWeb);
    w.services[0].publish_not_ready_addresses = row.publish;
    EndpointPod p = PodOf("a", "10.0.0.1", {{"app", "web"}});
    p.ready = row.ready;
    p.terminating = row.terminating;
    w.Pod(p);
    EXPECT_EQ(w.Text(), row.want);
  }
}

TEST(Endpoints, HostnamesBelongToTheServiceThatIsTheSubdomain) {
  World w;
  w.Service(R"({"clusterIP":"None","selector":{"app":"web"}})");
  for (auto [name, ip, subdomain] :
       {std::tuple{"a", "10.0.0.1", "web"}, {"b", "10.0.0.2", "other"}}) {
    EndpointPod p = PodOf(name, ip, {{"app", "web"}});
    p.hostname = std::string("host-") + name;
    p.subdomain = subdomain;
    w.Pod(p);
  }
  EXPECT_EQ(w.Text(), "10.0.0.1: ready serving host-a; 10.0.0.2: ready serving");
  EXPECT_TRUE(w.Only().IsHeadless());
}

TEST(Endpoints, WrittenByHand) {
  World w;
  w.node_name = "here";
  w.Service(R"({"ports":[{"name":"sql","port":5432},{"name":"web","port":80,"targetPort":81}]})",
            "db");
  w.endpoints.push_back(kube::DecodeEndpoints(Json::parse(R"({"metadata":{"name":"db"},"subsets":[
      {"addresses":[{"ip":"192.0.2.1"},{"ip":"192.0.2.2","nodeName":"here"}],
       "notReadyAddresses":[{"ip":"192.0.2.3"}],"ports":[{"name":"sql","port":15432}]}]})")));
  w.slices.push_back(kube::DecodeEndpointSlice(Json::parse(R"({"metadata":{"name":"db-x",
      "labels":{"kubernetes.io/service-name":"db"}},"addressType":"IPv4","endpoints":[
      {"addresses":["192.0.2.4"],"nodeName":"there"}],"ports":[{"name":"web"}]})")));
  w.slices.push_back(kube::DecodeEndpointSlice(Json::parse(R"({"metadata":{"name":"other",
      "labels":{"kubernetes.io/service-name":"x"}},"addressType":"IPv4","endpoints":[
      {"addresses":["192.0.2.5"]}],"ports":[{"name":"web","port":1}]})")));
  EXPECT_EQ(w.Text(),
            "192.0.2.1:15432,0 ready serving elsewhere; 192.0.2.2:15432,0 ready serving; "
            "192.0.2.3:15432,0 elsewhere; 192.0.2.4:0,81 ready serving elsewhere");
  network::ServiceRecord r = w.Only();
  EXPECT_EQ(network::UsableEndpoints(r, 0, false, false), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(network::UsableEndpoints(r, 0, false, true), (std::vector<size_t>{1}));
  EXPECT_EQ(network::UsableEndpoints(r, 1, false, true), (std::vector<size_t>{}));
  // With a selector the pods decide, and an Endpoints object of that name counts for nothing.
  w.services[0].selector = {{"app", "db"}};
  EXPECT_EQ(w.Text(), "192.0.2.4:0,81 ready serving elsewhere");
}

TEST(Endpoints, AServiceTakesAddressesOfItsFamilies) {
  World w;
  w.Service(kWeb);
  EndpointPod p = PodOf("a", "10.0.0.1", {{"app", "web"}});
  p.ips.push_back(*Address::Parse("fd00::1"));
  w.Pod(p);
  EXPECT_EQ(w.Text(), "10.0.0.1:8080 ready serving");
  w.allocations["web"].cluster_ips = {*Address::Parse("fd01::1")};
  EXPECT_EQ(w.Text(), "fd00::1:8080 ready serving");
  w.allocations["web"].cluster_ips.push_back(*Address::Parse("10.96.0.1"));
  EXPECT_EQ(w.Only().endpoints.size(), 2U);
}

TEST(Endpoints, TerminatingOnesServeWhenNoneIsReady) {
  network::ServiceRecord s;
  s.ports.resize(1);
  auto add = [&](bool ready, bool serving, bool terminating, bool local = true) {
    network::Endpoint e;
    e.ip = Address(static_cast<network::Ipv4>(s.endpoints.size() + 1));
    e.ready = ready;
    e.serving = serving;
    e.terminating = terminating;
    e.local = local;
    e.ports = {80};
    s.endpoints.push_back(e);
  };
  add(false, false, false);
  add(false, true, true);
  add(false, false, true);
  EXPECT_EQ(network::UsableEndpoints(s, 0, false, false), (std::vector<size_t>{1}));
  add(true, true, false, false);
  EXPECT_EQ(network::UsableEndpoints(s, 0, false, false), (std::vector<size_t>{3}));
  EXPECT_EQ(network::UsableEndpoints(s, 0, false, true), (std::vector<size_t>{1}));
  EXPECT_TRUE(network::UsableEndpoints(s, 0, true, false).empty()) << "the other family";
}

TEST(Endpoints, ExternalNames) {
  World w;
  w.Service(R"({"type":"ExternalName","externalName":"db.example.com."})");
  EXPECT_EQ(w.Only().external_name, "db.example.com");
  EXPECT_FALSE(w.Only().IsHeadless());
  EXPECT_TRUE(w.Only().endpoints.empty());
}

}  // namespace
}  // namespace kpod::pods
