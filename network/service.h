// What the network knows of a Service: its addresses and, one by one, the endpoints behind them.
// DNS, the kernel's rules, `kpod get` and an Ingress all read this and nothing else.
//
// Two files are behind it. <root>/network/services/<ns>_<name>.json holds what was given to the
// Service when it was applied (Allocation): it lasts as long as the object.
// <run>/services/<ns>.json holds the table of a namespace (ServiceRecord): written anew, whole, by
// whoever saw a change.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/address.h"
#include "store/paths.h"

namespace kpod::network {

// What an object does not say and a cluster would write into it.
struct Allocation {
  std::string ns, name;
  std::vector<Address> cluster_ips;  // empty: headless or an external name
  // "tcp/80" (protocol and port of the Service) -> port of the host.
  std::map<std::string, uint16_t> node_ports;
  // Ports of the host on every one of its addresses (LoadBalancer): "tcp/80".
  std::vector<std::string> host_ports;

  bool operator==(const Allocation&) const = default;
};
std::string PortKey(const std::string& protocol, uint16_t port);

std::string AllocationDirectory(const store::Paths& paths);  // written under the network's lock
Result<std::vector<Allocation>> ListAllocations(const store::Paths& paths);
Status WriteAllocation(const store::Paths& paths, const Allocation& allocation);
Status RemoveAllocation(const store::Paths& paths, const std::string& ns, const std::string& name);

// One address that serves the Service; conditions as in discovery.k8s.io/v1.
struct Endpoint {
  Address ip;
  bool ready = false, serving = false, terminating = false;
  bool local = true;     // on this machine
  std::string hostname;  // its DNS label below the Service's name, or ""
  std::string pod;       // in the Service's namespace, or ""
  // One for each of the Service's ports: where it is served here; 0: it is not.
  std::vector<uint16_t> ports;

  bool operator==(const Endpoint&) const = default;
};

struct ServicePort {
  std::string name, protocol = "tcp", app_protocol;  // protocol: tcp udp sctp
  uint16_t port = 0, node_port = 0;
  std::string target;  // as written: "8080", "http"

  bool operator==(const ServicePort&) const = default;
};

struct ServiceRecord {
  std::string ns, name;
  std::string type = "ClusterIP";
  std::vector<Address> cluster_ips;  // empty: headless, or an external name
  std::string external_name;
  std::vector<Address> external_ips;
  // A LoadBalancer: its own ports are this machine's, too, on every address; and what its status
  // says of them.
  bool on_host = false;
  std::vector<Address> load_balancer_ips;
  std::vector<std::string> load_balancer_source_ranges;
  int affinity_seconds = 0;                             // 0: none
  bool internal_local = false, external_local = false;  // traffic policies
  std::vector<ServicePort> ports;
  std::vector<Endpoint> endpoints;

  bool IsHeadless() const { return cluster_ips.empty() && type != "ExternalName"; }

  bool operator==(const ServiceRecord&) const = default;
};

// Indices of the endpoints that new connections to the port go to: those that are ready; when there
// is none, those that end but still serve. `local_only` as a traffic policy says.
// Source: pkg/proxy/topology.go, CategorizeEndpoints.
std::vector<size_t> UsableEndpoints(const ServiceRecord& service, size_t port, bool v6,
                                    bool local_only);

std::string ServiceDirectory(const store::Paths& paths);  // its mtime changes with every table
Result<bool> AnyServices(const store::Paths& paths);      // a cheap look
// Whether one of them has an address, for which the node has to stand.
Result<bool> AnyServiceAddress(const store::Paths& paths);
bool HaveAddresses(const std::vector<ServiceRecord>& services);
Result<std::vector<ServiceRecord>> ListServices(const store::Paths& paths);
Result<std::vector<ServiceRecord>> ListServices(const store::Paths& paths, const std::string& ns);
// Of one namespace; an empty list removes the file.
Status WriteServices(const store::Paths& paths, const std::string& ns,
                     const std::vector<ServiceRecord>& services);

}  // namespace kpod::network
