#include "cmd/get_table.h"

#include <unistd.h>

#include "base/text.h"

namespace kpod::cmd {

namespace {

constexpr size_t kMostShown = 3;  // endpoints, ports
using Strings = std::vector<std::string>;

std::string OrNone(const std::string& text) { return text.empty() ? "<none>" : text; }

Strings TextsIn(const Json& list, std::string_view key) {
  Strings out;
  for (const Json& item : list.is_array() ? list : Json::array()) {
    std::string text = StringAt(item, key);
    if (!text.empty()) out.push_back(std::move(text));
  }
  return out;
}

const Json& List(const Json& parent, std::string_view key) {
  static const Json none = Json::array();
  const Json& list = At(parent, key);
  return list.is_array() ? list : none;
}

std::string First(const Strings& all, std::string_view more) {
  if (all.size() <= kMostShown) return Join(all, ",");
  Strings shown(all.begin(), all.begin() + kMostShown);
  return StrCat(Join(shown, ","), more.empty() ? "" : StrCat(" + ", all.size() - kMostShown, more));
}

std::string Labels(const Json& map) {
  Strings out;
  if (map.is_object()) {
    for (const auto& [key, value] : map.items())
      out.push_back(StrCat(key, "=", value.is_string() ? value.get<std::string>() : ""));
  }
  return OrNone(Join(out, ","));
}

std::string ExternalAddress(const Json& spec, const Json& status) {
  std::string type = StringAt(spec, "type");
  if (type == "ExternalName") return StringAt(spec, "externalName");
  Strings all;
  if (type == "LoadBalancer") all = TextsIn(At(At(status, "loadBalancer"), "ingress"), "ip");
  bool pending = type == "LoadBalancer" && all.empty();
  for (const std::string& ip : StringsAt(spec, "externalIPs")) all.push_back(ip);
  if (all.empty() && pending) return "<pending>";
  return OrNone(Join(all, ","));
}

std::string ServicePorts(const Json& spec) {
  Strings out;
  for (const Json& p : List(spec, "ports")) {
    std::string number = StrCat(IntAt(p, "port"));
    if (IntAt(p, "nodePort") != 0) number += StrCat(":", IntAt(p, "nodePort"));
    out.push_back(StrCat(number, "/", StringAt(p, "protocol", "TCP")));
  }
  return OrNone(Join(out, ","));
}

Columns OfService(const Json& o) {
  const Json& spec = At(o, "spec");
  return {{StringAt(spec, "type", "ClusterIP"), OrNone(StringAt(spec, "clusterIP")),
           ExternalAddress(spec, At(o, "status")), ServicePorts(spec)},
          {Labels(At(spec, "selector"))}};
}

std::string WithPort(const std::string& ip, int64_t port) {
  return Contains(ip, ":") ? StrCat("[", ip, "]:", port) : StrCat(ip, ":", port);
}

Columns OfEndpoints(const Json& o) {
  Strings all;
  for (const Json& subset : List(o, "subsets")) {
    Strings ips = TextsIn(At(subset, "addresses"), "ip");
    const Json& ports = List(subset, "ports");
    if (ports.empty()) all.insert(all.end(), ips.begin(), ips.end());
    for (const Json& p : ports) {
      for (const std::string& ip : ips) all.push_back(WithPort(ip, IntAt(p, "port")));
    }
  }
  return {{OrNone(First(all, " more..."))}, {}};
}

Columns OfSlice(const Json& o) {
  Strings ports, addresses;
  for (const Json& p : List(o, "ports"))
    ports.push_back(At(p, "port").is_null() ? "*" : StrCat(IntAt(p, "port")));
  for (const Json& e : List(o, "endpoints")) {
    for (const std::string& ip : StringsAt(e, "addresses")) addresses.push_back(ip);
  }
  auto shown = [](const Strings& all) {
    return all.empty() ? std::string("<unset>") : First(all, " more...");
  };
  return {{StringAt(o, "addressType"), shown(ports), shown(addresses)}, {}};
}

Columns OfPod(const pods::PodRecord& p) {
  char node[65] = {};
  (void)::gethostname(node, sizeof(node) - 1);
  return {{StrCat(p.ReadyCount(), "/", p.ContainerCount()), p.StatusWord(), StrCat(p.Restarts())},
          {OrNone(p.status.pod_ip), node, "<none>", "<none>"}};
}

Columns OfDeployment(const Json& o) {
  const Json& status = At(o, "status");
  const Json& spec = At(o, "spec");
  int64_t wanted = At(spec, "replicas").is_null() ? 1 : IntAt(spec, "replicas");
  const Json& pod = At(At(spec, "template"), "spec");
  return {{StrCat(IntAt(status, "readyReplicas"), "/", wanted),
           StrCat(IntAt(status, "updatedReplicas")), StrCat(IntAt(status, "availableReplicas"))},
          {Join(TextsIn(At(pod, "containers"), "name"), ","),
           Join(TextsIn(At(pod, "containers"), "image"), ","),
           Labels(At(At(spec, "selector"), "matchLabels"))}};
}

// printIngress: "*" where a rule names no host; 443 beside 80 where there is TLS.
Columns OfIngress(const Json& o) {
  const Json& spec = At(o, "spec");
  Strings hosts = TextsIn(At(spec, "rules"), "host");
  std::string shown = hosts.empty() ? "*" : First(hosts, " more...");
  Strings addresses = TextsIn(At(At(At(o, "status"), "loadBalancer"), "ingress"), "ip");
  return {{OrNone(StringAt(spec, "ingressClassName")), shown, Join(addresses, ","),
           List(spec, "tls").empty() ? "80" : "80, 443"},
          {}};
}

// metav1.FormatLabelSelector.
std::string SelectorText(const Json& selector) {
  Strings out;
  const Json& labels = At(selector, "matchLabels");
  if (labels.is_object() && !labels.empty()) out.push_back(Labels(labels));
  for (const Json& e : List(selector, "matchExpressions")) {
    std::string key = StringAt(e, "key"), op = StringAt(e, "operator");
    std::string values = StrCat(" (", Join(StringsAt(e, "values"), ","), ")");
    if (op == "In") out.push_back(StrCat(key, " in", values));
    if (op == "NotIn") out.push_back(StrCat(key, " notin", values));
    if (op == "Exists") out.push_back(key);
    if (op == "DoesNotExist") out.push_back("!" + key);
  }
  return OrNone(Join(out, ","));
}

std::string DataCount(const Json& o) {
  size_t count = 0;
  for (const char* key : {"data", "binaryData"}) count += At(o, key).size();
  return StrCat(count);
}

}  // namespace

Columns HeadersOf(const std::string& kind) {
  if (kind == "Service") return {{"TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)"}, {"SELECTOR"}};
  if (kind == "Endpoints") return {{"ENDPOINTS"}, {}};
  if (kind == "EndpointSlice") return {{"ADDRESSTYPE", "PORTS", "ENDPOINTS"}, {}};
  if (kind == "Pod")
    return {{"READY", "STATUS", "RESTARTS"}, {"IP", "NODE", "NOMINATED NODE", "READINESS GATES"}};
  if (kind == "Deployment")
    return {{"READY", "UP-TO-DATE", "AVAILABLE"}, {"CONTAINERS", "IMAGES", "SELECTOR"}};
  if (kind == "ConfigMap") return {{"DATA"}, {}};
  if (kind == "Secret") return {{"TYPE", "DATA"}, {}};
  if (kind == "Namespace") return {{"STATUS"}, {}};
  if (kind == "Ingress") return {{"CLASS", "HOSTS", "ADDRESS", "PORTS"}, {}};
  if (kind == "NetworkPolicy") return {{"POD-SELECTOR"}, {}};
  return {};
}

Columns CellsOf(const std::string& kind, const Listed& item) {
  if (kind == "Service") return OfService(item.object);
  if (kind == "Endpoints") return OfEndpoints(item.object);
  if (kind == "EndpointSlice") return OfSlice(item.object);
  if (kind == "Pod") return item.pod.empty() ? Columns() : OfPod(item.pod.front());
  if (kind == "Deployment") return OfDeployment(item.object);
  if (kind == "ConfigMap") return {{DataCount(item.object)}, {}};
  if (kind == "Secret")
    return {{StringAt(item.object, "type", "Opaque"), DataCount(item.object)}, {}};
  if (kind == "Namespace") return {{"Active"}, {}};
  if (kind == "Ingress") return OfIngress(item.object);
  if (kind == "NetworkPolicy")
    return {{SelectorText(At(At(item.object, "spec"), "podSelector"))}, {}};
  return {};
}

}  // namespace kpod::cmd
