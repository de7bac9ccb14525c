#include "cmd/get_objects.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/text.h"
#include "kube/decode.h"
#include "kube/kind_names.h"
#include "kube/schema.h"
#include "pods/workloads.h"

namespace kpod::cmd {

namespace {

using network::Endpoint;
using network::ServiceRecord;
using Services = std::map<std::string, ServiceRecord>;  // by namespace and name

std::string KeyOf(const std::string& ns, const std::string& name) { return StrCat(ns, "/", name); }

void SetMeta(Json* object, const store::StoredObject& o) {
  Json& meta = (*object)["metadata"];
  if (o.created_nanos != 0) meta["creationTimestamp"] = FormatTime(o.created_nanos);
  if (!o.uid.empty()) meta["uid"] = o.uid;
  meta["generation"] = o.generation;
}

Json TargetOf(const ServiceRecord& s, const Endpoint& e) {
  return {{"kind", "Pod"}, {"name", e.pod}, {"namespace", s.ns}};
}

// Endpoints that serve the Service's ports in the same places: one subset, one slice.
std::map<std::vector<uint16_t>, std::vector<const Endpoint*>> ByPorts(const ServiceRecord& s) {
  std::map<std::vector<uint16_t>, std::vector<const Endpoint*>> out;
  for (const Endpoint& e : s.endpoints) out[e.ports].push_back(&e);
  return out;
}

Json PortsOf(const ServiceRecord& s, const std::vector<uint16_t>& numbers) {
  Json out = Json::array();
  for (size_t i = 0; i < s.ports.size() && i < numbers.size(); ++i) {
    if (numbers[i] == 0) continue;
    Json port = {{"port", numbers[i]}, {"protocol", ToUpper(s.ports[i].protocol)}};
    if (!s.ports[i].name.empty()) port["name"] = s.ports[i].name;
    if (!s.ports[i].app_protocol.empty()) port["appProtocol"] = s.ports[i].app_protocol;
    out.push_back(std::move(port));
  }
  return out;
}

Json AddressJson(const ServiceRecord& s, const Endpoint& e) {
  Json address = {{"ip", e.ip.Text()}};
  if (!e.hostname.empty()) address["hostname"] = e.hostname;
  if (!e.pod.empty()) address["targetRef"] = TargetOf(s, e);
  return address;
}

Json SliceJson(const ServiceRecord& s, const std::vector<uint16_t>& ports, bool v6) {
  uint32_t hash = 2166136261U;  // FNV-1a
  for (uint16_t port : ports) hash = (hash ^ port) * 16777619U;
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";  // as Kubernetes' suffixes
  std::string suffix;
  for (hash ^= v6 ? 1U : 0U; suffix.size() < 5; hash /= kLetters.size())
    suffix += kLetters[hash % kLetters.size()];
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", StrCat(s.name, "-", suffix)},
            {"namespace", s.ns},
            {"labels", {{"kubernetes.io/service-name", s.name}}}}},
          {"addressType", v6 ? "IPv6" : "IPv4"},
          {"endpoints", Json::array()},
          {"ports", PortsOf(s, ports)}};
}

// The Service's own, where nobody wrote them: what its selector has found.
void AddDerived(const std::string& kind, const store::StoredObject& service, const ServiceRecord& s,
                std::vector<Listed>* out) {
  bool selects = !At(At(service.object, "spec"), "selector").empty();
  if (!selects || s.type == "ExternalName") return;
  std::vector<Json> objects;
  if (kind == "Endpoints") objects.push_back(EndpointsOf(s));
  if (kind == "EndpointSlice") objects = SlicesOf(s);
  for (Json& object : objects) {
    std::string name = StringAt(At(object, "metadata"), "name");
    object["metadata"]["creationTimestamp"] = FormatTime(service.created_nanos);
    out->push_back({s.ns, std::move(name), service.created_nanos, std::move(object), {}});
  }
}

Result<std::vector<Listed>> ListPodObjects(const store::Paths& paths, const std::string& ns) {
  store::ObjectStore objects(paths);
  std::vector<Listed> out;
  for (pods::PodRecord& p : TRY(pods::ListPods(paths))) {
    if (!ns.empty() && p.plan.ns != ns) continue;
    bool own = p.plan.owner_kind.empty();
    std::optional<store::StoredObject> from = TRY(objects.Get(
        p.plan.ns, own ? "Pod" : p.plan.owner_kind, own ? p.plan.name : p.plan.owner_name));
    Json object = {{"apiVersion", "v1"}, {"kind", "Pod"}};
    if (from && own) object = from->object;
    if (from && !own) object["spec"] = At(At(At(from->object, "spec"), "template"), "spec");
    Json& meta = object["metadata"];
    meta["name"] = p.plan.name;
    meta["namespace"] = p.plan.ns;
    meta["uid"] = p.plan.uid;
    meta["labels"] = p.plan.labels;
    meta["creationTimestamp"] = FormatTime(p.plan.created_nanos);
    object["status"] = pods::ToJson(p.status);
    Listed item{p.plan.ns, p.plan.name, p.plan.created_nanos, std::move(object), {}};
    item.pod.push_back(std::move(p));
    out.push_back(std::move(item));
  }
  return out;
}

// How many of `replicas` may be missing; rounded down. Source: MaxUnavailable of Kubernetes'
// deployment util.
int64_t MayBeMissing(const kube::Deployment& d) {
  std::string_view text = d.max_unavailable;
  bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  int64_t number = std::clamp<int64_t>(ParseInt(text).value_or(0), 0, 1 << 20);
  if (percent) number = d.replicas * number / 100;
  return std::min<int64_t>(number, d.replicas);
}

void CompleteDeployment(const store::StoredObject& o, const std::vector<pods::PodRecord>& pods,
                        Json* object) {
  int there = 0, ready = 0, updated = 0;
  std::vector<pods::Workload> workloads = pods::WorkloadsOf({o});
  for (const pods::PodRecord& p : pods) {
    if (p.plan.ns != o.ns || p.plan.owner_kind != o.kind || p.plan.owner_name != o.name || !p.alive)
      continue;
    ++there;
    if (p.status.IsReady()) ++ready;
    if (!workloads.empty() && p.plan.hash == workloads[0].hash) ++updated;
  }
  (*object)["status"] = {{"observedGeneration", o.generation},
                         {"replicas", there},
                         {"updatedReplicas", updated},
                         {"readyReplicas", ready},
                         {"availableReplicas", ready}};
  kube::Deployment d = kube::DecodeDeployment(*object);
  bool enough = ready >= d.replicas - MayBeMissing(d);
  (*object)["status"]["conditions"] =
      Json::array({{{"type", "Available"},
                    {"status", enough ? "True" : "False"},
                    {"reason", enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable"},
                    {"message", enough ? "Deployment has minimum availability."
                                       : "Deployment does not have minimum availability."}}});
}

}  // namespace

Json CompleteService(Json object, const ServiceRecord& s) {
  Json& spec = object["spec"];
  spec["type"] = s.type;
  if (s.type == "ExternalName") return object;
  Json ips = Json::array();
  for (const network::Address& ip : s.cluster_ips) ips.push_back(ip.Text());
  if (ips.empty()) ips.push_back("None");
  spec["clusterIP"] = ips[0];
  spec["clusterIPs"] = std::move(ips);
  Json& ports = spec["ports"];
  for (size_t i = 0; i < s.ports.size() && i < ports.size(); ++i) {
    ports[i]["protocol"] = ToUpper(s.ports[i].protocol);
    if (!ports[i].contains("targetPort")) ports[i]["targetPort"] = s.ports[i].port;
    if (s.ports[i].node_port != 0) ports[i]["nodePort"] = s.ports[i].node_port;
  }
  Json balancer = Json::object();
  for (const network::Address& ip : s.load_balancer_ips)
    balancer["ingress"].push_back({{"ip", ip.Text()}, {"ipMode", "VIP"}});
  object["status"] = {{"loadBalancer", std::move(balancer)}};
  return object;
}

Json EndpointsOf(const ServiceRecord& s) {
  Json subsets = Json::array();
  for (const auto& [ports, endpoints] : ByPorts(s)) {
    Json subset;
    for (const Endpoint* e : endpoints) {
      if (e->terminating && !e->ready) continue;
      subset[e->ready ? "addresses" : "notReadyAddresses"].push_back(AddressJson(s, *e));
    }
    if (subset.empty()) continue;
    subset["ports"] = PortsOf(s, ports);
    subsets.push_back(std::move(subset));
  }
  Json out = {{"apiVersion", "v1"},
              {"kind", "Endpoints"},
              {"metadata", {{"name", s.name}, {"namespace", s.ns}}}};
  if (!subsets.empty()) out["subsets"] = std::move(subsets);
  return out;
}

std::vector<Json> SlicesOf(const ServiceRecord& s) {
  std::vector<Json> out;
  for (const auto& [ports, endpoints] : ByPorts(s)) {
    for (bool v6 : {false, true}) {
      Json slice = SliceJson(s, ports, v6);
      for (const Endpoint* e : endpoints) {
        if (e->ip.v6() != v6) continue;
        Json endpoint = {
            {"addresses", {e->ip.Text()}},
            {"conditions",
             {{"ready", e->ready}, {"serving", e->serving}, {"terminating", e->terminating}}}};
        if (!e->hostname.empty()) endpoint["hostname"] = e->hostname;
        if (!e->pod.empty()) endpoint["targetRef"] = TargetOf(s, *e);
        slice["endpoints"].push_back(std::move(endpoint));
      }
      if (!slice["endpoints"].empty()) out.push_back(std::move(slice));
    }
  }
  // Kubernetes keeps one for a Service without endpoints as well.
  if (out.empty()) out.push_back(SliceJson(s, {}, false));
  return out;
}

Result<std::vector<Listed>> ListObjects(const store::Paths& paths, const std::string& ns,
                                        const std::string& kind) {
  if (kind == "Pod") return ListPodObjects(paths, ns);
  store::ObjectStore objects(paths);
  std::vector<Listed> out;
  bool network = kind == "Service" || kind == "Endpoints" || kind == "EndpointSlice";
  Services services;
  if (network) {
    for (ServiceRecord& s : TRY(network::ListServices(paths)))
      services.emplace(KeyOf(s.ns, s.name), std::move(s));
  }
  std::vector<pods::PodRecord> pods;
  if (kind == "Deployment") pods = TRY(pods::ListPods(paths));
  for (const store::StoredObject& o : TRY(objects.List(ns, kind))) {
    Json object = o.object;
    SetMeta(&object, o);
    auto s = services.find(KeyOf(o.ns, o.name));
    if (kind == "Service" && s != services.end())
      object = CompleteService(std::move(object), s->second);
    if (kind == "Deployment") CompleteDeployment(o, pods, &object);
    out.push_back({o.ns, o.name, o.created_nanos, std::move(object), {}});
  }
  if (network && kind != "Service") {
    for (const store::StoredObject& o : TRY(objects.List(ns, "Service"))) {
      auto s = services.find(KeyOf(o.ns, o.name));
      if (s != services.end()) AddDerived(kind, o, s->second, &out);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) {
    return std::tie(a.ns, a.name) < std::tie(b.ns, b.name);
  });
  return out;
}

}  // namespace kpod::cmd
