// Services, Endpoints and EndpointSlices: what is absent gets the API server's default.
#include <gtest/gtest.h>

#include "kube/decode.h"

namespace kpod::kube {
namespace {

Service ServiceOf(const char* spec) {
  Json j = {{"metadata", {{"name", "web"}}}, {"spec", Json::parse(spec)}};
  return DecodeService(j);
}

TEST(DecodeNetwork, ServiceDefaults) {
  Service s = ServiceOf(R"({"selector":{"app":"web"},"ports":[{"port":80}]})");
  EXPECT_EQ(s.metadata.ns, "default");
  EXPECT_EQ(s.type, "ClusterIP");
  ASSERT_EQ(s.ports.size(), 1U);
  EXPECT_EQ(s.ports[0].protocol, "TCP");
  EXPECT_EQ(s.ports[0].target.number, 80) << "the port itself";
  EXPECT_TRUE(s.cluster_ips.empty());
  EXPECT_FALSE(s.IsHeadless());
  EXPECT_EQ(s.session_affinity, "None");
  EXPECT_EQ(s.affinity_seconds, 10800);
  EXPECT_EQ(s.internal_traffic_policy, "Cluster");
  EXPECT_EQ(s.external_traffic_policy, "Cluster");
  EXPECT_FALSE(s.HasNodePorts());
}

TEST(DecodeNetwork, ServiceAsWritten) {
  Service s = ServiceOf(R"({"type":"LoadBalancer","clusterIP":"10.96.0.9","ports":[
      {"name":"a","port":80,"targetPort":"http","nodePort":30080,"protocol":"UDP"},
      {"name":"b","port":81,"targetPort":""},{"name":"c","port":82,"targetPort":0}],
      "sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":60}},
      "externalIPs":["192.0.2.1"],"publishNotReadyAddresses":true})");
  EXPECT_EQ(s.cluster_ips, std::vector<std::string>{"10.96.0.9"});
  EXPECT_EQ(s.ports[0].target.name, "http");
  EXPECT_EQ(s.ports[0].node_port, 30080);
  EXPECT_EQ(s.ports[1].target.number, 81);
  EXPECT_EQ(s.ports[2].target.number, 82);
  EXPECT_EQ(s.affinity_seconds, 60);
  EXPECT_TRUE(s.publish_not_ready_addresses);
  EXPECT_TRUE(s.HasNodePorts());
  EXPECT_FALSE(
      ServiceOf(R"({"type":"LoadBalancer","allocateLoadBalancerNodePorts":false})").HasNodePorts());
  EXPECT_TRUE(ServiceOf(R"({"clusterIP":"None"})").IsHeadless());
  EXPECT_TRUE(ServiceOf(R"({"clusterIPs":["None"]})").IsHeadless());
  Service name = ServiceOf(R"({"type":"ExternalName","externalName":"a.b","selector":{"x":"y"}})");
  EXPECT_TRUE(name.IsExternalName());
  EXPECT_TRUE(name.selector.empty()) << "it selects nothing";
}

TEST(DecodeNetwork, Endpoints) {
  Endpoints e = DecodeEndpoints(Json::parse(R"({"metadata":{"name":"db","namespace":"shop"},
      "subsets":[{"addresses":[{"ip":"192.0.2.7","hostname":"h","nodeName":"n",
                                "targetRef":{"kind":"Pod","name":"p"}}],
                  "notReadyAddresses":[{"ip":"192.0.2.8","targetRef":{"kind":"Node","name":"x"}}],
                  "ports":[{"port":5432}]}]})"));
  EXPECT_EQ(e.metadata.ns, "shop");
  ASSERT_EQ(e.subsets.size(), 1U);
  EXPECT_EQ(e.subsets[0].addresses.at(0).target, "p");
  EXPECT_EQ(e.subsets[0].not_ready_addresses.at(0).target, "") << "only pods are targets";
  EXPECT_EQ(e.subsets[0].ports.at(0).protocol, "TCP");
  EXPECT_EQ(e.subsets[0].ports.at(0).port, 5432);
}

TEST(DecodeNetwork, EndpointSliceConditions) {
  EndpointSlice s = DecodeEndpointSlice(Json::parse(R"({"metadata":{"name":"db-1",
      "labels":{"kubernetes.io/service-name":"db"}},"addressType":"IPv4","endpoints":[
      {"addresses":["192.0.2.7"]},
      {"addresses":["192.0.2.8"],"conditions":{"ready":false}},
      {"addresses":["192.0.2.9"],"conditions":{"ready":false,"serving":true,"terminating":true}}],
      "ports":[{"name":"sql"}]})"));
  EXPECT_EQ(s.service_name, "db");
  struct Want {
    bool ready, serving, terminating;
  };
  const Want wants[] = {{true, true, false}, {false, false, false}, {false, true, true}};
  ASSERT_EQ(s.endpoints.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(s.endpoints[i].ready, wants[i].ready) << i;
    EXPECT_EQ(s.endpoints[i].serving, wants[i].serving) << i;
    EXPECT_EQ(s.endpoints[i].terminating, wants[i].terminating) << i;
  }
  EXPECT_FALSE(s.ports.at(0).port) << "all ports";
}

}  // namespace
}  // namespace kpod::kube
