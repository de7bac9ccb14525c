// Desired objects and observed pods -> what to do. Pure, level-triggered and idempotent, as
// Kubernetes' controllers: asked twice it answers nothing more. Whoever has the event runs it,
// under the namespace's lock.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kube/types.h"
#include "store/objects.h"

namespace kpod::pods {

// What wants pods: a Pod wants itself, a Deployment `replicas` of its template.
struct Workload {
  std::string kind, name;  // "Pod" "web"
  kube::Pod pod;           // for a Deployment the template, without a name
  std::string hash;        // of what makes it another pod when it changes
  int replicas = 1;
  bool remove_first = false;  // strategy Recreate, or host ports that old and new cannot both have
  bool unknown = false;       // its object cannot be read: its pods are left alone
};
Workload UnknownWorkload(const std::string& kind, const std::string& name);
std::vector<Workload> WorkloadsOf(const std::vector<store::StoredObject>& objects);

struct ObservedPod {
  std::string name, owner_kind, owner_name, hash;
  bool running = false;  // its supervisor lives, or it waits to be started
  bool failed = false;   // ended for good: a workload replaces it, and keeps it to be looked at
  int64_t created_nanos = 0;
};

struct PodToCreate {
  size_t workload = 0;  // index
  std::string name;
};
struct Actions {
  std::vector<std::string> remove_first;  // before anything is made
  std::vector<PodToCreate> create;
  std::vector<std::string> remove_after;             // once the new ones run
  std::vector<std::pair<std::string, size_t>> keep;  // pod, index of its workload
};
// `suffix` gives the five random characters of a generated name.
Actions Reconcile(const std::vector<Workload>& workloads, const std::vector<ObservedPod>& observed,
                  const std::function<std::string()>& suffix);

}  // namespace kpod::pods
