#include "kube/kind_names.h"

#include <algorithm>

#include "base/text.h"
#include "kube/schema.h"

namespace kpod::kube {
namespace {

// Source: `kubectl api-resources`.
constexpr std::string_view kShort[][2] = {
    {"cm", "ConfigMap"},
    {"crd", "CustomResourceDefinition"},
    {"crds", "CustomResourceDefinition"},
    {"cj", "CronJob"},
    {"csr", "CertificateSigningRequest"},
    {"deploy", "Deployment"},
    {"ds", "DaemonSet"},
    {"ep", "Endpoints"},
    {"ev", "Event"},
    {"hpa", "HorizontalPodAutoscaler"},
    {"ing", "Ingress"},
    {"limits", "LimitRange"},
    {"netpol", "NetworkPolicy"},
    {"no", "Node"},
    {"ns", "Namespace"},
    {"pc", "PriorityClass"},
    {"pdb", "PodDisruptionBudget"},
    {"po", "Pod"},
    {"pv", "PersistentVolume"},
    {"pvc", "PersistentVolumeClaim"},
    {"quota", "ResourceQuota"},
    {"rc", "ReplicationController"},
    {"rs", "ReplicaSet"},
    {"sa", "ServiceAccount"},
    {"sc", "StorageClass"},
    {"sts", "StatefulSet"},
    {"svc", "Service"},
};

std::string Plural(std::string_view lower) {
  std::string_view stem = lower.substr(0, lower.size() - 1);
  if (lower == "endpoints") return std::string(lower);
  if (lower.ends_with('s')) return StrCat(lower, "es");
  if (lower.ends_with('y') && !lower.ends_with("ey")) return StrCat(stem, "ies");
  return StrCat(lower, "s");
}

}  // namespace

std::optional<std::string> KindNamed(std::string_view word) {
  std::string lower = ToLower(std::string(word));
  size_t dot = lower.find('.');
  std::string name = lower.substr(0, dot);
  std::string group = dot == std::string::npos ? "" : lower.substr(dot + 1);
  for (const auto& [short_name, kind] : kShort) {
    if (group.empty() && name == short_name) return std::string(kind);
  }
  for (const KindInfo& info : AllKinds()) {
    std::string kind = ToLower(std::string(info.kind));
    if (name != kind && name != Plural(kind)) continue;
    if (dot == std::string::npos || group == GroupOf(info.api_version)) {
      return std::string(info.kind);
    }
  }
  return std::nullopt;
}

std::string ResourceName(std::string_view kind) {
  std::string lower = ToLower(std::string(kind));
  for (const KindInfo& info : AllKinds()) {
    std::string_view group = GroupOf(info.api_version);
    if (info.kind == kind) return group.empty() ? lower : StrCat(lower, ".", group);
  }
  return lower;
}

}  // namespace kpod::kube
