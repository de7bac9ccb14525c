#include "network/zone.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::network {

namespace {

// "web" -> "web.<ns>.svc.cluster.local"; a name with dots is whole already.
std::string FullName(const PodRecord& p, const std::string& name) {
  return Contains(name, ".") ? name : StrCat(name, ".", p.Namespace(), ".svc.", kClusterDomain);
}

std::optional<Ipv4> ReverseAddress(const std::string& name) {
  constexpr std::string_view kReverse = ".in-addr.arpa";
  if (!name.ends_with(kReverse)) return std::nullopt;
  std::vector<std::string> parts =
      Split(std::string_view(name).substr(0, name.size() - kReverse.size()), '.');
  std::reverse(parts.begin(), parts.end());
  return ParseIpv4(Join(parts, "."));
}

void Add(std::vector<Address>* to, const Address& ip) {
  if (std::find(to->begin(), to->end(), ip) == to->end()) to->push_back(ip);
}

// A Service's own addresses; those of its ready endpoints when it is headless, all or the one of
// `hostname`.
void AddService(const ServiceRecord& s, const std::string& hostname, Answer* a) {
  if (hostname.empty() && !s.IsHeadless()) {
    a->addresses = s.cluster_ips;
    a->alias = s.external_name;
    return;
  }
  for (const Endpoint& e : s.endpoints) {
    if (e.ready && (hostname.empty() || e.hostname == hostname)) Add(&a->addresses, e.ip);
  }
}

Answer Reverse(Ipv4 ip, const Zone& zone) {
  Answer a;
  a.ours = zone.pod_range.Contains(ip) || zone.service_range.Contains(ip);
  for (const ServiceRecord& s : zone.services) {
    std::string own = StrCat(s.name, ".", s.ns, ".svc.", kClusterDomain);
    for (const Address& c : s.cluster_ips) {
      if (c == Address(ip)) a.names.push_back(own);
    }
    for (const Endpoint& e : s.endpoints) {
      if (e.ip == Address(ip) && !e.hostname.empty() && s.IsHeadless())
        a.names.push_back(StrCat(e.hostname, ".", own));
    }
  }
  for (const PodRecord& p : zone.pods) {
    if (p.ip == ip && !p.names.empty() && a.names.empty())
      a.names.push_back(FullName(p, p.names.back()));
  }
  a.exists = !a.names.empty();
  return a;
}

// Below svc.cluster.local: [HOSTNAME.]SERVICE.NAMESPACE. True when a Service decides.
bool ResolveService(const std::string& name, const Zone& zone, Answer* a) {
  std::string suffix = StrCat(".svc.", kClusterDomain);
  if (!name.ends_with(suffix)) return false;
  std::vector<std::string> parts = Split(name.substr(0, name.size() - suffix.size()), '.');
  if (parts.size() != 2 && parts.size() != 3) return false;
  std::string hostname = parts.size() == 3 ? parts.front() : "";
  for (const ServiceRecord& s : zone.services) {
    if (s.ns != parts.back() || s.name != parts[parts.size() - 2]) continue;
    AddService(s, hostname, a);
    a->exists = hostname.empty() || !a->addresses.empty();
    return a->exists;
  }
  return false;
}

bool ResolveBare(const std::string& name, const Zone& zone, const std::string& asker, Answer* a) {
  for (const ServiceRecord& s : zone.services) {
    if (s.ns == asker && s.name == name) {
      AddService(s, "", a);
      return true;
    }
  }
  for (const PodRecord& p : zone.pods) {
    if (p.ip != 0 && p.Namespace() == asker &&
        std::find(p.names.begin(), p.names.end(), name) != p.names.end())
      a->addresses.emplace_back(p.ip);
  }
  return !a->addresses.empty();
}

void ResolvePod(const std::string& name, const Zone& zone, Answer* a) {
  std::string dotted = StrCat(".", name);
  for (const PodRecord& p : zone.pods) {
    if (p.ip == 0) continue;
    for (const std::string& own : p.names) {
      std::string full = FullName(p, own);
      if (full == name) Add(&a->addresses, Address(p.ip));
      // A name that others lie below exists, without an address.
      a->exists = a->exists || StrCat(".", full).ends_with(dotted);
    }
    std::string by_address =
        StrCat(ReplaceAll(FormatIpv4(p.ip), ".", "-"), ".", p.Namespace(), ".pod.", kClusterDomain);
    if (by_address == name) Add(&a->addresses, Address(p.ip));
  }
  for (const ServiceRecord& s : zone.services) {
    std::string full = StrCat(".", s.name, ".", s.ns, ".svc.", kClusterDomain);
    a->exists = a->exists || full.ends_with(dotted);
  }
  a->exists = a->exists || !a->addresses.empty() || name == kClusterDomain;
}

}  // namespace

Answer Resolve(const std::string& name, const Zone& zone, const std::string& asker) {
  if (std::optional<Ipv4> reverse = ReverseAddress(name)) return Reverse(*reverse, zone);
  Answer a;
  if (!name.empty() && !Contains(name, ".")) {
    a.ours = a.exists = ResolveBare(name, zone, asker, &a);
    return a;
  }
  a.ours = StrCat(".", name).ends_with(StrCat(".", kClusterDomain));
  if (!a.ours) return a;
  if (ResolveService(name, zone, &a)) {
    Answer there;
    if (ResolveService(a.alias, zone, &there)) a.addresses = there.addresses;
    return a;
  }
  ResolvePod(name, zone, &a);
  return a;
}

}  // namespace kpod::network
