// What the API server's admission does with a namespace's LimitRanges and ResourceQuotas, before an
// object or a pod comes to be. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kube/types.h"
#include "pods/plan.h"
#include "pods/quota.h"
#include "store/objects.h"

namespace kpod::pods {

class Admission {
 public:
  // `objects`: those of the namespace.
  explicit Admission(const std::vector<store::StoredObject>& objects);

  // Fills in the pod's defaults, or: pods "web" is forbidden: exceeded quota: ...
  Status AdmitPod(const std::string& name, kube::PodSpec* pod) const;
  // A pod that runs or waits counts against the quotas from now on; `pod` has its defaults.
  void Count(const std::string& name, const kube::PodSpec& pod);
  // An object that is no pod, on top of those counted.
  Status AdmitObject(const store::StoredObject& object) const;

  // The defaults of the LimitRanges for containers: what a plan keeps, since a LimitRange that
  // comes later does not touch pods that are there.
  const kube::LimitRange& defaults() const { return defaults_; }

 private:
  struct Counted {
    std::string kind, group, name, service_type;
    kube::PodSpec pod;
    std::optional<kube::PersistentVolumeClaim> claim;
  };
  static Counted CountedOf(const store::StoredObject& object);
  std::vector<QuotaSubject> Subjects() const;

  std::vector<kube::LimitRange> ranges_;
  std::vector<kube::ResourceQuota> quotas_;
  kube::LimitRange defaults_;
  std::vector<Counted> counted_;
};

// As plan.json keeps them.
std::vector<DefaultResource> DefaultsOf(const kube::LimitRange& defaults);
kube::LimitRange FromDefaults(const std::vector<DefaultResource>& defaults);

}  // namespace kpod::pods
