#include "pods/endpoints.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::pods {

namespace {

using network::Address;
using network::Endpoint;
using network::ServiceRecord;

std::vector<Address> Parsed(const std::vector<std::string>& texts) {
  std::vector<Address> out;
  for (const std::string& text : texts) {
    if (auto a = Address::Parse(text)) out.push_back(*a);
  }
  return out;
}

uint16_t AsPort(int number) {
  return number > 0 && number <= 65535 ? static_cast<uint16_t>(number) : uint16_t{0};
}

// podutil.FindPort: a name is looked for among the ports of the same protocol.
uint16_t TargetIn(const EndpointPod& pod, const kube::ServicePort& port) {
  if (port.target.name.empty()) return AsPort(port.target.number);
  for (const PortPlan& p : pod.ports) {
    if (p.name == port.target.name && p.protocol == port.protocol) return AsPort(p.container_port);
  }
  return 0;
}

uint16_t PortNamed(const std::vector<kube::EndpointPort>& ports, const kube::ServicePort& wanted) {
  for (const kube::EndpointPort& p : ports) {
    if (p.name == wanted.name && p.protocol == wanted.protocol)
      return AsPort(p.port.value_or(wanted.target.number));
  }
  return 0;
}

bool Selects(const kube::StringMap& selector, const kube::StringMap& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& want) {
    auto it = labels.find(want.first);
    return it != labels.end() && it->second == want.second;
  });
}

class Builder {
 public:
  Builder(const ServiceWorld& world, const kube::Service& service)
      : world_(world), service_(service) {}

  ServiceRecord Build() {
    Describe();
    if (service_.IsExternalName()) return std::move(out_);
    if (!service_.selector.empty()) {
      for (const EndpointPod& pod : world_.pods) AddPod(pod);
    } else {
      AddEndpoints();
    }
    // Slices that somebody wrote count beside those that would follow from a selector.
    for (const kube::EndpointSlice& s : world_.slices) AddSlice(s);
    std::stable_sort(out_.endpoints.begin(), out_.endpoints.end(),
                     [](const Endpoint& a, const Endpoint& b) {
                       return std::tie(a.pod, a.ip) < std::tie(b.pod, b.ip);
                     });
    return std::move(out_);
  }

 private:
  void Describe() {
    out_.ns = service_.metadata.ns;
    out_.name = service_.metadata.name;
    out_.type = service_.type;
    if (service_.IsExternalName()) {
      out_.external_name = service_.external_name;
      while (out_.external_name.ends_with('.')) out_.external_name.pop_back();
    }
    network::Allocation given;
    auto it = world_.allocations.find(out_.name);
    if (it != world_.allocations.end()) given = it->second;
    out_.cluster_ips = given.cluster_ips;
    out_.external_ips = Parsed(service_.external_ips);
    out_.on_host = !given.host_ports.empty();
    if (out_.on_host) {
      out_.load_balancer_ips = world_.node_addresses;
      out_.load_balancer_source_ranges = service_.load_balancer_source_ranges;
    }
    if (service_.session_affinity == "ClientIP") out_.affinity_seconds = service_.affinity_seconds;
    out_.internal_local = service_.internal_traffic_policy == "Local";
    out_.external_local = service_.external_traffic_policy == "Local";
    for (const kube::ServicePort& p : service_.ports) {
      network::ServicePort port;
      port.name = p.name;
      port.protocol = ToLower(p.protocol);
      port.app_protocol = p.app_protocol;
      port.port = AsPort(p.port);
      port.target = p.target.name.empty() ? StrCat(p.target.number) : p.target.name;
      auto node = given.node_ports.find(network::PortKey(port.protocol, port.port));
      if (node != given.node_ports.end()) port.node_port = node->second;
      out_.ports.push_back(std::move(port));
    }
  }

  bool HasFamily(const Address& ip) const {
    if (!out_.cluster_ips.empty()) {
      return std::any_of(out_.cluster_ips.begin(), out_.cluster_ips.end(),
                         [&](const Address& c) { return c.v6() == ip.v6(); });
    }
    const std::vector<std::string>& families = service_.ip_families;
    bool dual = service_.ip_family_policy == "PreferDualStack" ||
                service_.ip_family_policy == "RequireDualStack";
    // A headless Service that selects nothing says nothing of families either.
    if (dual || (families.empty() && service_.selector.empty())) return true;
    if (families.empty()) return !ip.v6();
    return std::find(families.begin(), families.end(), ip.v6() ? "IPv6" : "IPv4") != families.end();
  }

  void Add(Endpoint e) {
    if (!HasFamily(e.ip)) return;
    bool known = std::any_of(out_.endpoints.begin(), out_.endpoints.end(),
                             [&](const Endpoint& o) { return o.ip == e.ip && o.ports == e.ports; });
    if (!known) out_.endpoints.push_back(std::move(e));
  }

  void AddPod(const EndpointPod& pod) {
    if (!Selects(service_.selector, pod.labels)) return;
    Endpoint e;
    e.pod = pod.name;
    e.serving = pod.ready;
    e.terminating = pod.terminating;
    e.ready = service_.publish_not_ready_addresses || (pod.ready && !pod.terminating);
    if (pod.subdomain == out_.name) e.hostname = pod.hostname;
    for (const kube::ServicePort& p : service_.ports) e.ports.push_back(TargetIn(pod, p));
    for (const Address& ip : pod.ips) {
      e.ip = ip;
      Add(e);
    }
  }

  void AddWritten(const std::string& ip, const std::vector<kube::EndpointPort>& ports, Endpoint e,
                  const std::string& node) {
    auto address = Address::Parse(ip);
    if (!address) return;
    e.ip = *address;
    e.local = !node.empty() && node == world_.node_name;
    for (const kube::ServicePort& p : service_.ports) e.ports.push_back(PortNamed(ports, p));
    Add(std::move(e));
  }

  void AddEndpoints() {
    for (const kube::Endpoints& written : world_.endpoints) {
      if (written.metadata.name != out_.name) continue;
      for (const kube::EndpointSubset& subset : written.subsets) {
        for (const auto* list : {&subset.addresses, &subset.not_ready_addresses}) {
          for (const kube::EndpointAddress& a : *list) {
            Endpoint e;
            e.ready = e.serving = list == &subset.addresses || service_.publish_not_ready_addresses;
            e.hostname = a.hostname;
            e.pod = a.target;
            AddWritten(a.ip, subset.ports, std::move(e), a.node_name);
          }
        }
      }
    }
  }

  void AddSlice(const kube::EndpointSlice& slice) {
    if (slice.service_name != out_.name || slice.address_type == "FQDN") return;
    for (const kube::SliceEndpoint& from : slice.endpoints) {
      if (from.addresses.empty()) continue;
      Endpoint e;
      e.ready = from.ready;
      e.serving = from.serving;
      e.terminating = from.terminating;
      e.hostname = from.hostname;
      e.pod = from.target;
      AddWritten(from.addresses.front(), slice.ports, std::move(e), from.node_name);
    }
  }

  const ServiceWorld& world_;
  const kube::Service& service_;
  ServiceRecord out_;
};

}  // namespace

std::vector<EndpointPod> EndpointPodsOf(const std::vector<PodRecord>& records) {
  std::vector<EndpointPod> out;
  for (const PodRecord& r : records) {
    bool ended = r.status.phase == "Succeeded" || r.status.phase == "Failed";
    auto ip = Address::Parse(r.status.pod_ip);
    if (!r.alive || ended || r.status.supervisor_pid == 0 || !ip) continue;
    EndpointPod pod;
    pod.name = r.plan.name;
    pod.labels = r.plan.labels;
    pod.ips = {*ip};
    pod.hostname = r.plan.spec_hostname;
    pod.subdomain = r.plan.subdomain;
    pod.terminating = r.status.stopped;
    pod.ready = r.status.IsReady();
    for (const ContainerPlan& c : r.plan.init_containers) {
      if (c.sidecar) pod.ports.insert(pod.ports.end(), c.ports.begin(), c.ports.end());
    }
    for (const ContainerPlan& c : r.plan.containers)
      pod.ports.insert(pod.ports.end(), c.ports.begin(), c.ports.end());
    out.push_back(std::move(pod));
  }
  return out;
}

std::vector<ServiceRecord> MakeServiceRecords(const ServiceWorld& world) {
  std::vector<ServiceRecord> out;
  out.reserve(world.services.size());
  for (const kube::Service& s : world.services) out.push_back(Builder(world, s).Build());
  std::sort(out.begin(), out.end(),
            [](const ServiceRecord& a, const ServiceRecord& b) { return a.name < b.name; });
  return out;
}

}  // namespace kpod::pods
