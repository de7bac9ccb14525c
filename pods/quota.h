// ResourceQuota: what a namespace may hold, and refusals in the API server's words. Pure.
// Source: k8s.io/kubernetes/pkg/quota/v1 and its evaluators, plugin/pkg/admission/resourcequota.
#pragma once

#include <string>
#include <vector>

#include "kube/types.h"

namespace kpod::pods {

// What counts against a quota: a pod, or an object of another kind.
struct QuotaSubject {
  std::string kind;   // "Pod"
  std::string group;  // "", "apps"
  std::string name;
  const kube::PodSpec* pod = nullptr;                  // of a Pod
  const kube::PersistentVolumeClaim* claim = nullptr;  // of a claim
  std::string service_type;                            // of a Service
};

// "PersistentVolumeClaim" -> "persistentvolumeclaims", as the API names the resource of a kind.
std::string PluralOf(const std::string& kind);

// By resource name, as quotas spell them: "pods", "requests.cpu", "count/deployments.apps" ...
kube::ResourceList UsageOf(const QuotaSubject& subject);

// "" or why `subject` may not come on top of `present`: "exceeded quota: q, requested: pods=1,
// used: pods=2, limited: pods=2".
std::string QuotaRefusal(const std::vector<kube::ResourceQuota>& quotas,
                         const std::vector<QuotaSubject>& present, const QuotaSubject& subject);

}  // namespace kpod::pods
