// Services and what gives them endpoints, typed and defaulted as types.h has it. Source: Kubernetes
// v1.36 API, core/v1 and discovery.k8s.io/v1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/types.h"

namespace kpod::kube {

struct ServicePort {
  std::string name, protocol = "TCP", app_protocol;
  int port = 0;
  PortRef target;     // defaulted to `port`
  int node_port = 0;  // 0: to be allocated where the type has one
};

struct Service {
  ObjectMeta metadata;
  std::string type = "ClusterIP";  // ClusterIP NodePort LoadBalancer ExternalName
  StringMap selector;              // empty: somebody else writes the endpoints
  std::vector<ServicePort> ports;
  std::vector<std::string> cluster_ips;  // as written, "None" among them; empty: to be allocated
  std::vector<std::string> external_ips, load_balancer_source_ranges, ip_families;
  std::string external_name, load_balancer_ip, load_balancer_class;
  std::string ip_family_policy;  // "": follows from ip_families and cluster_ips
  bool allocate_node_ports = true;
  std::string session_affinity = "None";
  int affinity_seconds = 10800;
  std::string internal_traffic_policy = "Cluster", external_traffic_policy = "Cluster";
  bool publish_not_ready_addresses = false;

  bool IsHeadless() const { return !cluster_ips.empty() && cluster_ips.front() == "None"; }
  bool IsExternalName() const { return type == "ExternalName"; }
  bool HasNodePorts() const {
    return type == "NodePort" || (type == "LoadBalancer" && allocate_node_ports);
  }
};

// A port of endpoints is known by its name, which is that of the Service's port.
struct EndpointPort {
  std::string name, protocol = "TCP", app_protocol;
  std::optional<int> port;  // EndpointSlice: absent means all ports
};
struct EndpointAddress {
  std::string ip, hostname, node_name;
  std::string target;  // name of the pod that targetRef names, or ""
};
struct EndpointSubset {
  std::vector<EndpointAddress> addresses, not_ready_addresses;
  std::vector<EndpointPort> ports;
};
struct Endpoints {  // of the Service with the same name
  ObjectMeta metadata;
  std::vector<EndpointSubset> subsets;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;  // fungible; consumers take the first
  bool ready = true, serving = true, terminating = false;
  std::string hostname, node_name, target;
};
struct EndpointSlice {
  ObjectMeta metadata;
  std::string service_name;  // label kubernetes.io/service-name
  std::string address_type;  // IPv4 IPv6 FQDN
  std::vector<SliceEndpoint> endpoints;
  std::vector<EndpointPort> ports;
};

}  // namespace kpod::kube
