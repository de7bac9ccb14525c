#include "pods/quota.h"

#include <algorithm>

#include "base/text.h"
#include "pods/limit_range.h"

namespace kpod::pods {

using kube::Quantity;
using kube::ResourceList;

namespace {

Quantity Number(int64_t n) { return Quantity{StrCat(n), n, 0}; }

bool IsBestEffort(const kube::PodSpec& pod) { return QosClassOf(pod) == "BestEffort"; }

bool Matches(const kube::ScopeRequirement& r, const kube::PodSpec& pod) {
  if (r.scope == "Terminating") return pod.active_deadline_seconds.has_value();
  if (r.scope == "NotTerminating") return !pod.active_deadline_seconds.has_value();
  if (r.scope == "BestEffort") return IsBestEffort(pod);
  if (r.scope == "NotBestEffort") return !IsBestEffort(pod);
  if (r.scope != "PriorityClass") return false;
  const std::string& own = pod.priority_class_name;
  bool listed = std::find(r.values.begin(), r.values.end(), own) != r.values.end();
  if (r.op == "In") return listed;
  if (r.op == "NotIn") return !listed;
  return (r.op == "Exists") != own.empty();
}

bool Covers(const kube::ResourceQuota& quota, const QuotaSubject& s) {
  if (quota.scopes.empty()) return true;
  if (s.pod == nullptr) return false;  // scopes speak of pods only
  return std::all_of(quota.scopes.begin(), quota.scopes.end(),
                     [&](const kube::ScopeRequirement& r) { return Matches(r, *s.pod); });
}

ResourceList Sum(const kube::ResourceQuota& quota, const std::vector<QuotaSubject>& subjects) {
  ResourceList sum;
  for (const QuotaSubject& s : subjects) {
    if (!Covers(quota, s)) continue;
    for (const auto& [name, q] : UsageOf(s)) {
      auto [it, fresh] = sum.emplace(name, q);
      if (!fresh) it->second = kube::Add(it->second, q);
    }
  }
  return sum;
}

// Resources of the quota that every container must name: without, what it takes is not known.
std::string NotNamed(const kube::ResourceQuota& quota, const kube::PodSpec& pod) {
  std::vector<std::string> missing;
  for (const auto& [name, hard] : quota.hard) {
    bool limit = name.starts_with("limits.");
    std::string bare = limit                           ? name.substr(7)
                       : name.starts_with("requests.") ? name.substr(9)
                                                       : name;
    if (bare != "cpu" && bare != "memory") continue;
    const ResourceList& whole = limit ? pod.resources.limits : pod.resources.requests;
    if (whole.contains(bare)) continue;
    std::vector<std::string> names;
    for (const auto* list : {&pod.containers, &pod.init_containers}) {
      for (const kube::Container& c : *list) {
        const ResourceList& own = limit ? c.resources.limits : c.resources.requests;
        if (!own.contains(bare)) names.push_back(c.name);
      }
    }
    if (!names.empty()) missing.push_back(StrCat(name, " for: ", Join(names, ",")));
  }
  return Join(missing, "; ");
}

}  // namespace

std::string PluralOf(const std::string& kind) {
  std::string out = ToLower(kind);
  if (out.ends_with('y')) return out.substr(0, out.size() - 1) + "ies";
  return out + (out.ends_with('s') ? "es" : "s");
}

ResourceList UsageOf(const QuotaSubject& s) {
  ResourceList out;
  std::string plural = PluralOf(s.kind);
  out["count/" + plural + (s.group.empty() ? "" : "." + s.group)] = Number(1);
  if (s.group.empty()) out[plural] = Number(1);
  if (s.service_type == "NodePort") out["services.nodeports"] = Number(1);
  if (s.service_type == "LoadBalancer") {
    out["services.nodeports"] = out["services.loadbalancers"] = Number(1);
  }
  if (s.claim != nullptr && s.claim->spec.storage) {
    out["requests.storage"] = *s.claim->spec.storage;
    if (s.claim->spec.storage_class) {
      std::string of = *s.claim->spec.storage_class + ".storageclass.storage.k8s.io/";
      out[of + "requests.storage"] = *s.claim->spec.storage;
      out[of + "persistentvolumeclaims"] = Number(1);
    }
  }
  if (s.pod == nullptr) return out;
  kube::ResourceRequirements total = PodTotals(*s.pod);
  for (const auto& [name, q] : total.requests) out["requests." + name] = out[name] = q;
  for (const auto& [name, q] : total.limits) out["limits." + name] = q;
  return out;
}

std::string QuotaRefusal(const std::vector<kube::ResourceQuota>& quotas,
                         const std::vector<QuotaSubject>& present, const QuotaSubject& subject) {
  ResourceList wanted = UsageOf(subject);
  for (const kube::ResourceQuota& quota : quotas) {
    if (!Covers(quota, subject)) continue;
    const std::string& name = quota.metadata.name;
    if (subject.pod != nullptr) {
      std::string missing = NotNamed(quota, *subject.pod);
      if (!missing.empty()) return StrCat("failed quota: ", name, ": must specify ", missing);
    }
    ResourceList used = Sum(quota, present);
    std::vector<std::string> asks, uses, limits;
    for (const auto& [resource, hard] : quota.hard) {
      auto more = wanted.find(resource);
      if (more == wanted.end()) continue;
      auto before = used.find(resource);
      Quantity had = before == used.end() ? Number(0) : before->second;
      if (kube::Add(had, more->second) <= hard) continue;
      asks.push_back(StrCat(resource, "=", more->second.text));
      uses.push_back(StrCat(resource, "=", had.text));
      limits.push_back(StrCat(resource, "=", hard.text));
    }
    if (asks.empty()) continue;
    return StrCat("exceeded quota: ", name, ", requested: ", Join(asks, ","),
                  ", used: ", Join(uses, ","), ", limited: ", Join(limits, ","));
  }
  return {};
}

}  // namespace kpod::pods
