#include "network/zone.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::network {

namespace {

constexpr size_t kMostAliases = 8;
constexpr std::string_view kSchemaVersion = "1.1.0";

std::string Under(std::string_view label, const ServiceRecord& s) {
  return StrCat(label, label.empty() ? "" : ".", s.name, ".", s.ns, ".svc.", kClusterDomain);
}

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

// An endpoint's name below its Service's: what it is given, or its address ("10-244-0-7").
std::string LabelOf(const Endpoint& e) {
  if (!e.hostname.empty()) return e.hostname;
  return ReplaceAll(ReplaceAll(e.ip.Text(), ".", "-"), ":", "-");
}

void Add(std::vector<Address>* to, const Address& ip) {
  if (std::find(to->begin(), to->end(), ip) == to->end()) to->push_back(ip);
}

void AddPlace(uint16_t port, std::string host, const std::vector<Address>& ips, Answer* a) {
  for (Answer::Place& p : a->places) {
    if (p.port != port || p.host != host) continue;
    for (const Address& ip : ips) Add(&p.addresses, ip);
    return;
  }
  a->places.push_back({port, std::move(host), ips});
}

// Where the Service's port `index` is found: at its own address, or one by one when it is headless.
void AddPlaces(const ServiceRecord& s, size_t index, Answer* a) {
  if (!s.IsHeadless()) {
    if (!s.cluster_ips.empty()) AddPlace(s.ports[index].port, Under("", s), s.cluster_ips, a);
    return;
  }
  for (const Endpoint& e : s.endpoints) {
    if (e.ready && e.ports.at(index) != 0)
      AddPlace(e.ports[index], Under(LabelOf(e), s), {e.ip}, a);
  }
}

// What lies below a Service's name; `labels` from left to right.
void ResolveBelow(const ServiceRecord& s, const std::vector<std::string>& labels, Answer* a) {
  if (labels.size() == 1) {
    for (const Endpoint& e : s.endpoints) {
      if (e.ready && LabelOf(e) == labels[0]) Add(&a->addresses, e.ip);
    }
  }
  // _PORT._PROTOCOL, and the empty name between.
  for (size_t i = 0; i < s.ports.size() && labels.size() <= 2; ++i) {
    if (s.ports[i].name.empty() || labels.back() != StrCat("_", s.ports[i].protocol)) continue;
    Answer there;
    AddPlaces(s, i, &there);
    if (labels.size() == 1) {
      a->exists = a->exists || !there.places.empty();
    } else if (labels[0] == StrCat("_", s.ports[i].name)) {
      a->places = std::move(there.places);
    }
  }
  a->exists = a->exists || !a->addresses.empty() || !a->places.empty();
}

// The Service of that name decides what there is at it and below it.
void ResolveService(const ServiceRecord& s, const std::vector<std::string>& below, Answer* a) {
  if (!below.empty()) return ResolveBelow(s, below, a);
  a->exists = true;
  if (!s.external_name.empty()) {
    a->aliases.push_back(s.external_name);
    return;
  }
  if (s.IsHeadless()) {
    for (const Endpoint& e : s.endpoints) {
      if (e.ready) Add(&a->addresses, e.ip);
    }
    a->exists = !a->addresses.empty();  // the specification's own words, 2.4.1
  } else {
    a->addresses = s.cluster_ips;
  }
  for (size_t i = 0; i < s.ports.size(); ++i) AddPlaces(s, i, a);
}

Answer Reverse(Ipv4 ip, const Zone& zone) {
  Answer a;
  a.ours = zone.pod_range.Contains(ip) || zone.service_range.Contains(ip);
  for (const ServiceRecord& s : zone.services) {
    for (const Address& c : s.cluster_ips) {
      if (c == Address(ip)) a.names.push_back(Under("", s));
    }
    if (!s.IsHeadless()) continue;
    for (const Endpoint& e : s.endpoints) {
      if (e.ready && e.ip == Address(ip)) a.names.push_back(Under(LabelOf(e), s));
    }
  }
  for (const PodRecord& p : zone.pods) {
    if (p.ip == ip && !p.names.empty() && a.names.empty())
      a.names.push_back(FullName(p, p.names.back()));
  }
  a.exists = !a.names.empty();
  return a;
}

// By the pod's own names; a name that others lie below exists, without an address.
void ResolvePodName(const std::string& name, const std::string& ns, const Zone& zone, Answer* a) {
  std::string suffix = StrCat(".", ns, ".svc.", kClusterDomain);
  std::string_view label = name;
  label.remove_suffix(std::min(suffix.size(), label.size()));
  std::string dotted = "." + name;
  for (const PodRecord& p : zone.pods) {
    if (p.ip == 0 || p.Namespace() != ns) continue;
    for (const std::string& own : p.names) {
      if (own == name || own == label) Add(&a->addresses, Address(p.ip));
      a->exists = a->exists || own.ends_with(dotted);
    }
  }
  a->exists = a->exists || !a->addresses.empty();
}

bool IsNamespace(const std::string& ns, const Zone& zone, const std::string& asker) {
  return ns == asker ||
         std::any_of(zone.services.begin(), zone.services.end(),
                     [&](const ServiceRecord& s) { return s.ns == ns; }) ||
         std::any_of(zone.pods.begin(), zone.pods.end(),
                     [&](const PodRecord& p) { return p.Namespace() == ns; });
}

// "10-244-0-7" is an address in every namespace, whosever it is.
void ResolvePodAddress(const std::string& label, Answer* a) {
  if (label.find('.') != std::string::npos) return;
  if (auto ip = ParseIpv4(ReplaceAll(label, "-", "."))) a->addresses.emplace_back(*ip);
  a->exists = !a->addresses.empty();
}

// A name in the cluster's domain, without following aliases.
void ResolveOnce(const std::string& name, const Zone& zone, const std::string& asker, Answer* a) {
  if (name == kClusterDomain) {
    a->exists = true;
    return;
  }
  std::vector<std::string> labels =
      Split(std::string_view(name).substr(0, name.size() - kClusterDomain.size() - 1), '.');
  std::string kind = labels.back();
  labels.pop_back();
  if (kind == "dns-version" && labels.empty()) {
    a->text = kSchemaVersion;
    a->exists = true;
  }
  if (kind != "svc" && kind != "pod") return;
  a->exists = labels.empty();
  if (labels.empty()) return;
  std::string ns = labels.back();
  labels.pop_back();
  if (labels.empty()) {
    a->exists = IsNamespace(ns, zone, asker);
    return;
  }
  if (kind == "pod") {
    if (labels.size() == 1 && IsNamespace(ns, zone, asker)) ResolvePodAddress(labels[0], a);
    return;
  }
  for (const ServiceRecord& s : zone.services) {
    if (s.name != labels.back() || s.ns != ns) continue;
    labels.pop_back();
    return ResolveService(s, labels, a);
  }
  ResolvePodName(name, ns, zone, a);
}

bool IsInDomain(std::string_view name) {
  if (!name.ends_with(kClusterDomain)) return false;
  name.remove_suffix(kClusterDomain.size());
  return name.empty() || name.ends_with('.');
}

bool IsKnown(const std::string& name, const Zone& zone, const std::string& ns, const Answer& a) {
  return !a.addresses.empty() ||
         std::any_of(zone.services.begin(), zone.services.end(),
                     [&](const ServiceRecord& s) { return s.ns == ns && s.name == name; });
}

}  // namespace

Answer Resolve(const std::string& name, const Zone& zone, const std::string& asker) {
  if (std::optional<Ipv4> reverse = ReverseAddress(name)) return Reverse(*reverse, zone);
  bool bare = !name.empty() && !Contains(name, ".");
  Answer a;
  a.ours = bare || IsInDomain(name);
  if (!a.ours) return a;
  std::string at = bare ? StrCat(name, ".", asker, ".svc.", kClusterDomain) : name;
  for (size_t seen = 0;; seen = a.aliases.size()) {
    ResolveOnce(at, zone, asker, &a);
    if (a.aliases.size() == seen || seen == kMostAliases) break;
    at = ToLower(a.aliases.back());
    a.leads_outside = !IsInDomain(at);
    if (a.leads_outside) break;
    a.exists = false;
  }
  if (bare && !IsKnown(name, zone, asker, a)) return Answer();  // perhaps the host's network's
  return a;
}

}  // namespace kpod::network
