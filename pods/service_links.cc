#include "pods/service_links.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace kpod::pods {

namespace {

std::string VariableName(const std::string& name) { return ToUpper(ReplaceAll(name, "-", "_")); }

}  // namespace

std::vector<ServiceLink> LinksOf(const std::vector<kube::Service>& services,
                                 const std::vector<network::Allocation>& allocations) {
  std::map<std::string, const network::Allocation*> given;
  for (const network::Allocation& a : allocations) given[a.ns + "/" + a.name] = &a;
  std::vector<ServiceLink> out;
  for (const kube::Service& s : services) {
    auto it = given.find(s.metadata.ns + "/" + s.metadata.name);
    if (it == given.end() || it->second->cluster_ips.empty()) continue;
    ServiceLink link;
    link.name = s.metadata.name;
    link.ip = it->second->cluster_ips.front().Text();
    for (const kube::ServicePort& p : s.ports)
      link.ports.push_back({p.name, ToLower(p.protocol), p.port});
    out.push_back(std::move(link));
  }
  std::sort(out.begin(), out.end(),
            [](const ServiceLink& a, const ServiceLink& b) { return a.name < b.name; });
  return out;
}

std::vector<std::pair<std::string, std::string>> VariablesOf(
    const std::vector<ServiceLink>& links) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const ServiceLink& link : links) {
    if (link.ports.empty()) continue;
    std::string prefix = VariableName(link.name);
    std::string host = Contains(link.ip, ":") ? StrCat("[", link.ip, "]") : link.ip;
    out.emplace_back(prefix + "_SERVICE_HOST", link.ip);
    out.emplace_back(prefix + "_SERVICE_PORT", StrCat(link.ports.front().port));
    for (const ServiceLinkPort& p : link.ports) {
      if (!p.name.empty())
        out.emplace_back(StrCat(prefix, "_SERVICE_PORT_", VariableName(p.name)), StrCat(p.port));
    }
    for (const ServiceLinkPort& p : link.ports) {
      std::string url = StrCat(p.protocol, "://", host, ":", p.port);
      if (&p == &link.ports.front()) out.emplace_back(prefix + "_PORT", url);
      std::string of_port = StrCat(prefix, "_PORT_", p.port, "_", ToUpper(p.protocol));
      out.emplace_back(of_port, url);
      out.emplace_back(of_port + "_PROTO", p.protocol);
      out.emplace_back(of_port + "_PORT", StrCat(p.port));
      out.emplace_back(of_port + "_ADDR", link.ip);
    }
  }
  return out;
}

void AddServiceVariables(const std::vector<ServiceLink>& links, std::vector<std::string>* env) {
  if (links.empty()) return;
  std::set<std::string, std::less<>> names;
  for (const std::string& line : *env) names.insert(line.substr(0, line.find('=')));
  for (auto& [name, value] : VariablesOf(links)) {
    if (names.insert(name).second) env->push_back(StrCat(name, "=", value));
  }
}

}  // namespace kpod::pods
