#include "network/service.h"

#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace kpod::network {

namespace {

std::string AllocationPath(const store::Paths& paths, const std::string& ns,
                           const std::string& name) {
  return StrCat(AllocationDirectory(paths), "/", ns, "_", name, ".json");
}
std::string TablePath(const store::Paths& paths, const std::string& ns) {
  return StrCat(ServiceDirectory(paths), "/", ns, ".json");
}

uint16_t PortAt(const Json& j, std::string_view key) {
  int64_t n = IntAt(j, key);
  return n > 0 && n <= 65535 ? static_cast<uint16_t>(n) : 0;
}

Json TextsOf(const std::vector<Address>& addresses) {
  Json out = Json::array();
  for (const Address& a : addresses) out.push_back(a.Text());
  return out;
}

std::vector<Address> AddressesAt(const Json& j, std::string_view key) {
  std::vector<Address> out;
  for (const std::string& text : StringsAt(j, key)) {
    if (auto a = Address::Parse(text)) out.push_back(*a);
  }
  return out;
}

void Put(Json& j, const char* key, const std::string& text) {
  if (!text.empty()) j[key] = text;
}
void Put(Json& j, const char* key, bool flag) {
  if (flag) j[key] = true;
}
void Put(Json& j, const char* key, const std::vector<Address>& addresses) {
  if (!addresses.empty()) j[key] = TextsOf(addresses);
}

Json ToJson(const Allocation& a) {
  return {{"namespace", a.ns},
          {"name", a.name},
          {"clusterIPs", TextsOf(a.cluster_ips)},
          {"nodePorts", a.node_ports},
          {"hostPorts", a.host_ports}};
}

Allocation AllocationFrom(const Json& j) {
  Allocation a;
  a.ns = StringAt(j, "namespace");
  a.name = StringAt(j, "name");
  a.cluster_ips = AddressesAt(j, "clusterIPs");
  const Json& ports = At(j, "nodePorts");
  if (ports.is_object()) {
    for (const auto& [key, value] : ports.items()) {
      if (uint16_t port = PortAt(ports, key); port != 0) a.node_ports[key] = port;
    }
  }
  a.host_ports = StringsAt(j, "hostPorts");
  return a;
}

Json ToJson(const Endpoint& e) {
  Json j = {{"ip", e.ip.Text()}};
  Put(j, "ready", e.ready);
  Put(j, "serving", e.serving);
  Put(j, "terminating", e.terminating);
  Put(j, "elsewhere", !e.local);
  Put(j, "hostname", e.hostname);
  Put(j, "pod", e.pod);
  j["ports"] = e.ports;
  return j;
}

Endpoint EndpointFrom(const Json& j) {
  Endpoint e;
  e.ip = Address::Parse(StringAt(j, "ip")).value_or(Address());
  e.ready = BoolAt(j, "ready");
  e.serving = BoolAt(j, "serving");
  e.terminating = BoolAt(j, "terminating");
  e.local = !BoolAt(j, "elsewhere");
  e.hostname = StringAt(j, "hostname");
  e.pod = StringAt(j, "pod");
  const Json& ports = At(j, "ports");
  for (const Json& p : ports.is_array() ? ports : Json::array()) {
    uint64_t n = p.is_number_unsigned() ? p.get<uint64_t>() : 0;
    e.ports.push_back(n <= 65535 ? static_cast<uint16_t>(n) : uint16_t{0});
  }
  return e;
}

Json ToJson(const ServicePort& p) {
  Json j = {{"name", p.name}, {"protocol", p.protocol}, {"port", p.port}, {"target", p.target}};
  Put(j, "appProtocol", p.app_protocol);
  if (p.node_port != 0) j["nodePort"] = p.node_port;
  return j;
}

ServicePort PortFrom(const Json& j) {
  ServicePort p;
  p.name = StringAt(j, "name");
  p.protocol = StringAt(j, "protocol");
  p.app_protocol = StringAt(j, "appProtocol");
  p.port = PortAt(j, "port");
  p.node_port = PortAt(j, "nodePort");
  p.target = StringAt(j, "target");
  return p;
}

Json ToJson(const ServiceRecord& s) {
  Json j = {{"name", s.name}, {"type", s.type}};
  Put(j, "clusterIPs", s.cluster_ips);
  Put(j, "externalName", s.external_name);
  Put(j, "externalIPs", s.external_ips);
  Put(j, "onHost", s.on_host);
  Put(j, "loadBalancerIPs", s.load_balancer_ips);
  if (!s.load_balancer_source_ranges.empty())
    j["loadBalancerSourceRanges"] = s.load_balancer_source_ranges;
  if (s.affinity_seconds != 0) j["affinitySeconds"] = s.affinity_seconds;
  Put(j, "internalLocal", s.internal_local);
  Put(j, "externalLocal", s.external_local);
  Json& ports = j["ports"] = Json::array();
  for (const ServicePort& p : s.ports) ports.push_back(ToJson(p));
  Json& endpoints = j["endpoints"] = Json::array();
  for (const Endpoint& e : s.endpoints) endpoints.push_back(ToJson(e));
  return j;
}

ServiceRecord ServiceFrom(const Json& j, const std::string& ns) {
  ServiceRecord s;
  s.ns = ns;
  s.name = StringAt(j, "name");
  s.type = StringAt(j, "type");
  s.cluster_ips = AddressesAt(j, "clusterIPs");
  s.external_name = StringAt(j, "externalName");
  s.external_ips = AddressesAt(j, "externalIPs");
  s.on_host = BoolAt(j, "onHost");
  s.load_balancer_ips = AddressesAt(j, "loadBalancerIPs");
  s.load_balancer_source_ranges = StringsAt(j, "loadBalancerSourceRanges");
  s.affinity_seconds = static_cast<int>(IntAt(j, "affinitySeconds"));
  s.internal_local = BoolAt(j, "internalLocal");
  s.external_local = BoolAt(j, "externalLocal");
  const Json& ports = At(j, "ports");
  for (const Json& p : ports.is_array() ? ports : Json::array()) s.ports.push_back(PortFrom(p));
  const Json& endpoints = At(j, "endpoints");
  for (const Json& e : endpoints.is_array() ? endpoints : Json::array())
    s.endpoints.push_back(EndpointFrom(e));
  for (Endpoint& e : s.endpoints) e.ports.resize(s.ports.size());
  return s;
}

Status Unlink(const std::string& path) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return Error::Errno("remove " + path);
  return OkStatus();
}

// Names of the files of the directory that hold something.
Result<std::vector<std::string>> JsonFiles(const std::string& directory) {
  std::vector<std::string> names = TRY(ListDir(directory));
  std::erase_if(names,
                [](const std::string& n) { return !n.ends_with(".json") || n.starts_with("."); });
  return names;
}

}  // namespace

std::string AllocationDirectory(const store::Paths& paths) { return paths.Network() + "/services"; }

std::string PortKey(const std::string& protocol, uint16_t port) {
  return StrCat(protocol, "/", port);
}

Result<std::vector<Allocation>> ListAllocations(const store::Paths& paths) {
  std::vector<Allocation> out;
  for (const std::string& name : TRY(JsonFiles(AllocationDirectory(paths)))) {
    Result<Json> j = ReadJsonFile(JoinPath(AllocationDirectory(paths), name));
    if (j) out.push_back(AllocationFrom(*j));  // one that went away meanwhile is none
  }
  return out;
}

Status WriteAllocation(const store::Paths& paths, const Allocation& a) {
  TRY(MakeDirs(AllocationDirectory(paths)));
  return WriteFileAtomic(AllocationPath(paths, a.ns, a.name), Dump(ToJson(a), 1));
}

Status RemoveAllocation(const store::Paths& paths, const std::string& ns, const std::string& name) {
  return Unlink(AllocationPath(paths, ns, name));
}

std::vector<size_t> UsableEndpoints(const ServiceRecord& s, size_t port, bool v6, bool local_only) {
  std::vector<size_t> ready, serving;
  for (size_t i = 0; i < s.endpoints.size(); ++i) {
    const Endpoint& e = s.endpoints[i];
    if (e.ip.v6() != v6 || e.ports.at(port) == 0 || (local_only && !e.local)) continue;
    if (e.ready) ready.push_back(i);
    if (e.serving && e.terminating) serving.push_back(i);
  }
  return ready.empty() ? serving : ready;
}

std::string ServiceDirectory(const store::Paths& paths) { return paths.run + "/services"; }

Result<bool> AnyServices(const store::Paths& paths) {
  return !TRY(JsonFiles(ServiceDirectory(paths))).empty();
}

bool HaveAddresses(const std::vector<ServiceRecord>& services) {
  return std::any_of(services.begin(), services.end(),
                     [](const ServiceRecord& s) { return !s.cluster_ips.empty(); });
}

Result<bool> AnyServiceAddress(const store::Paths& paths) {
  if (!TRY(AnyServices(paths))) return false;
  return HaveAddresses(TRY(ListServices(paths)));
}

Result<std::vector<ServiceRecord>> ListServices(const store::Paths& paths, const std::string& ns) {
  std::vector<ServiceRecord> out;
  std::string path = TablePath(paths, ns);
  if (!Exists(path)) return out;
  Result<Json> j = ReadJsonFile(path);
  if (!j && j.error().code() == ENOENT) return out;
  if (!j) return std::move(j.error());
  const Json& services = At(*j, "services");
  for (const Json& s : services.is_array() ? services : Json::array())
    out.push_back(ServiceFrom(s, ns));
  return out;
}

Result<std::vector<ServiceRecord>> ListServices(const store::Paths& paths) {
  std::vector<ServiceRecord> out;
  for (const std::string& name : TRY(JsonFiles(ServiceDirectory(paths)))) {
    std::string ns = name.substr(0, name.size() - std::string_view(".json").size());
    for (ServiceRecord& s : TRY(ListServices(paths, ns))) out.push_back(std::move(s));
  }
  return out;
}

Status WriteServices(const store::Paths& paths, const std::string& ns,
                     const std::vector<ServiceRecord>& services) {
  if (services.empty()) return Unlink(TablePath(paths, ns));
  TRY(MakeDirs(ServiceDirectory(paths)));
  Json list = Json::array();
  for (const ServiceRecord& s : services) list.push_back(ToJson(s));
  return WriteFileAtomic(TablePath(paths, ns), Dump({{"services", std::move(list)}}));
}

}  // namespace kpod::network
