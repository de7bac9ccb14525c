// Services and what gives them endpoints. Source of the words: pkg/apis/core/validation and
// pkg/apis/discovery/validation of Kubernetes v1.36.
#include <gtest/gtest.h>

#include "tests/unit/kube/refusals.h"

namespace kpod::kube {
namespace {

TEST(Rules, OfServicesAndEndpoints) {
  const std::pair<const char*, const char*> kTable[] = {
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {selector: {a: b}}\n",
       "4:7 spec.ports: Required value"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {type: Cluster, ports: [{port: "
       "1}]}\n",
       "4:14 spec.type: Unsupported value: \"Cluster\": supported values: \"ClusterIP\", "
       "\"ExternalName\", \"LoadBalancer\", \"NodePort\""},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {type: NodePort, ports: [{port: "
       "1, nodePort: 0x1ffff}]}\n",
       "4:52 spec.ports[0].nodePort: Invalid value: 131071: provided port is not in the valid "
       "range. The range of valid ports is 30000-32767"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {type: ExternalName}\n",
       "4:7 spec.externalName: Required value"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {clusterIP: x, ports: [{port: "
       "1}]}\n",
       "4:19 spec.clusterIP: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or "
       "2001:db8::ffff)"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: a/b}\nspec: {ports: [{port: 1}]}\n",
       "3:18 metadata.name: Invalid value: \"a/b\": a DNS-1035 label must consist of lower case "
       "alphanumeric characters or '-', start with an alphabetic character, and end with an "
       "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
       "'[a-z]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p, namespace: ../x}\nspec: {ports: [{port: "
       "1}]}\n",
       "3:32 metadata.namespace: Invalid value: \"../x\": a lowercase RFC 1123 label must consist "
       "of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {externalIPs: [127.0.0.1], "
       "ports: "
       "[{port: 1}]}\n",
       "4:22 spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
       "(127.0.0.0/8, ::1/128)"},
      {"apiVersion: v1\nkind: Endpoints\nmetadata: {name: p}\nsubsets: [{ports: [{port: 1}]}]\n",
       "4:11 subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"},
      {"apiVersion: v1\nkind: Endpoints\nmetadata: {name: p}\nsubsets: [{addresses: [{ip: "
       "169.254.1.1}]}]\n",
       "4:29 subsets[0].addresses[0].ip: Invalid value: \"169.254.1.1\": may not be in the "
       "link-local range (169.254.0.0/16, fe80::/10)"},
      {"apiVersion: v1\nkind: Endpoints\nmetadata: {name: p}\nsubsets: [{addresses: [{ip: x}]}]\n",
       "4:29 subsets[0].addresses[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. "
       "10.9.8.7 or 2001:db8::ffff)"},
      {"apiVersion: v1\nkind: Endpoints\nmetadata: {name: p}\nsubsets: [{addresses: [{ip: "
       "1.2.3.4}], "
       "ports: [{port: 1}, {name: a, port: 70000}]}]\n",
       "4:48 subsets[0].ports[0].name: Required value\n"
       "4:75 subsets[0].ports[1].port: Invalid value: 70000: must be between 1 and 65535, "
       "inclusive"},
      {"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: p}\naddressType: "
       "IPv6\nendpoints: [{addresses: [1.2.3.4, \"ff02::1\"]}, {addresses: []}]\n",
       "5:26 endpoints[0].addresses[0]: Invalid value: \"1.2.3.4\": must be an IPv6 address\n"
       "5:35 endpoints[0].addresses[1]: Invalid value: \"ff02::1\": may not be in the link-local "
       "multicast range (224.0.0.0/24, ff02::/10)\n"
       "5:60 endpoints[1].addresses: Required value: must contain at least 1 address"},
      {"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: p}\naddressType: "
       "IP\nendpoints: []\nports: [{name: a}, {name: a}]\n",
       "4:14 addressType: Unsupported value: \"IP\": supported values: \"FQDN\", \"IPv4\", "
       "\"IPv6\"\n6:27 ports[1].name: Duplicate value: \"a\""},
  };
  for (const auto& [text, says] : kTable) EXPECT_EQ(Refusals(text), says) << text;
}

}  // namespace
}  // namespace kpod::kube
