// Services, what was applied for them, and the pods there are -> what the network has to know.
// Pure. Source: k8s.io/endpointslice (reconciler.go, utils.go),
// pkg/controller/endpointslicemirroring.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kube/types_network.h"
#include "network/service.h"
#include "pods/plan.h"
#include "pods/status.h"

namespace kpod::pods {

// A pod as a Service sees it.
struct EndpointPod {
  std::string name;
  kube::StringMap labels;
  std::vector<network::Address> ips;
  bool ready = false, terminating = false;
  std::string hostname, subdomain;  // as the spec has them
  std::vector<PortPlan> ports;      // of containers and sidecars
};
// The pods of `records` that Services may name: those with an address that have not ended.
std::vector<EndpointPod> EndpointPodsOf(const std::vector<PodRecord>& records);

// One namespace.
struct ServiceWorld {
  std::vector<kube::Service> services;
  std::vector<kube::Endpoints> endpoints;
  std::vector<kube::EndpointSlice> slices;
  std::map<std::string, network::Allocation> allocations;  // by the Service's name
  std::vector<EndpointPod> pods;
  std::string node_name;                         // of this machine
  std::vector<network::Address> node_addresses;  // what a LoadBalancer's status says
};

// One for each Service, by name.
std::vector<network::ServiceRecord> MakeServiceRecords(const ServiceWorld& world);

}  // namespace kpod::pods
