#include "pods/workloads.h"

#include <algorithm>

#include "base/text.h"
#include "kube/decode.h"
#include "pods/limit_range.h"
#include "pods/make_plan.h"

namespace kpod::pods {

namespace {

// Kubernetes defaults imagePullPolicy to Always for :latest. Where the manifest does not say it,
// kpod takes the image that is here: on one machine it was as likely built or loaded as pulled, and
// a start shall not wait for a registry.
void SettlePullPolicy(const Json& written, std::vector<kube::Container>* containers) {
  for (size_t i = 0; i < containers->size() && i < written.size(); ++i) {
    if (StringAt(written[i], "imagePullPolicy").empty())
      (*containers)[i].image_pull_policy = "IfNotPresent";
  }
}

void SettlePullPolicies(const Json& spec, kube::PodSpec* out) {
  if (At(spec, "containers").is_array()) SettlePullPolicy(At(spec, "containers"), &out->containers);
  if (At(spec, "initContainers").is_array())
    SettlePullPolicy(At(spec, "initContainers"), &out->init_containers);
}

// Keys in another order are the same object.
std::string Canonical(const Json& j) { return Dump(Json(nlohmann::json(j))); }

// CPU and memory of containers and sidecars change in place, as long as what is limited and the
// class of service stay: left out of what makes it another pod.
Json WithoutResizable(Json spec) {
  auto strip = [](Json* container) {
    if (!container->contains("resources") || !(*container)["resources"].is_object()) return;
    for (const char* list : {"limits", "requests"}) {
      Json& resources = (*container)["resources"];
      if (!resources.contains(list) || !resources[list].is_object()) continue;
      for (const char* name : {"cpu", "memory"}) {
        if (resources[list].contains(name)) resources[list][name] = nullptr;
      }
    }
  };
  if (spec.contains("containers") && spec["containers"].is_array()) {
    for (Json& c : spec["containers"]) strip(&c);
  }
  if (spec.contains("initContainers") && spec["initContainers"].is_array()) {
    for (Json& c : spec["initContainers"]) {
      if (StringAt(c, "restartPolicy") == "Always") strip(&c);
    }
  }
  return spec;
}

bool HasHostPorts(const kube::PodSpec& spec) {
  for (const kube::Container& c : spec.containers) {
    for (const kube::ContainerPort& p : c.ports) {
      if (p.host_port != 0) return true;
    }
  }
  return false;
}

Workload FromPod(const store::StoredObject& o) {
  Workload w;
  w.kind = "Pod";
  w.name = o.name;
  w.pod = kube::DecodePod(o.object);
  w.pod.metadata.ns = o.ns;
  w.pod.metadata.uid = o.uid;
  SettlePullPolicies(At(o.object, "spec"), &w.pod.spec);
  const Json& annotations = At(At(o.object, "metadata"), "annotations");
  w.hash = ShortHash(StrCat(Canonical(WithoutResizable(At(o.object, "spec"))),
                            StringAt(annotations, kNetworkAnnotation), QosClassOf(w.pod.spec)));
  w.remove_first = true;
  return w;
}

Workload FromDeployment(const store::StoredObject& o) {
  Workload w;
  kube::Deployment d = kube::DecodeDeployment(o.object);
  w.kind = "Deployment";
  w.name = o.name;
  w.pod.metadata = d.pod_template.metadata;
  w.pod.metadata.ns = o.ns;
  w.pod.spec = d.pod_template.spec;
  const Json& pod_template = At(At(o.object, "spec"), "template");
  SettlePullPolicies(At(pod_template, "spec"), &w.pod.spec);
  w.hash = ShortHash(Canonical(pod_template));
  w.pod.metadata.labels["pod-template-hash"] = w.hash;
  w.replicas = d.replicas;
  w.remove_first = d.strategy == "Recreate" || HasHostPorts(w.pod.spec);
  return w;
}

}  // namespace

Workload UnknownWorkload(const std::string& kind, const std::string& name) {
  Workload w;
  w.kind = kind;
  w.name = name;
  w.unknown = true;
  return w;
}

std::vector<Workload> WorkloadsOf(const std::vector<store::StoredObject>& objects) {
  std::vector<Workload> out;
  for (const store::StoredObject& o : objects) {
    if (o.kind == "Pod") out.push_back(FromPod(o));
    if (o.kind == "Deployment") out.push_back(FromDeployment(o));
  }
  return out;
}

namespace {

bool IsStanding(const Workload& w) { return w.kind == "Pod"; }

void ReconcileStanding(const Workload& w, size_t index, const std::vector<const ObservedPod*>& mine,
                       Actions* out) {
  for (const ObservedPod* p : mine) {
    if (p->hash == w.hash) {
      out->keep.emplace_back(p->name, index);
      return;
    }
    out->remove_first.push_back(p->name);
  }
  out->create.push_back({index, w.name});
}

void ReconcileReplicas(const Workload& w, size_t index, const std::vector<const ObservedPod*>& mine,
                       const std::function<std::string()>& suffix, Actions* out) {
  std::vector<const ObservedPod*> current;
  for (const ObservedPod* p : mine) {
    bool same = p->hash == w.hash;
    if (same && !p->failed) {
      current.push_back(p);
    } else if (!same) {
      (w.remove_first ? out->remove_first : out->remove_after).push_back(p->name);
    }
  }
  // Scaling down takes what does not run first, then the youngest, as the ReplicaSet controller
  // ranks.
  std::stable_sort(current.begin(), current.end(), [](const ObservedPod* a, const ObservedPod* b) {
    if (a->running != b->running) return a->running;
    return a->created_nanos < b->created_nanos;
  });
  auto wanted = static_cast<size_t>(std::max(0, w.replicas));
  for (size_t i = 0; i < current.size(); ++i) {
    if (i < wanted) {
      out->keep.emplace_back(current[i]->name, index);
    } else {
      out->remove_after.push_back(current[i]->name);
    }
  }
  for (size_t i = current.size(); i < wanted; ++i) {
    out->create.push_back({index, StrCat(w.name.substr(0, 240), "-", w.hash, "-", suffix())});
  }
}

}  // namespace

Actions Reconcile(const std::vector<Workload>& workloads, const std::vector<ObservedPod>& observed,
                  const std::function<std::string()>& suffix) {
  Actions out;
  std::vector<bool> owned(observed.size(), false);
  for (size_t i = 0; i < workloads.size(); ++i) {
    const Workload& w = workloads[i];
    std::vector<const ObservedPod*> mine;
    for (size_t k = 0; k < observed.size(); ++k) {
      const ObservedPod& p = observed[k];
      bool match = IsStanding(w) ? p.owner_kind.empty() && p.name == w.name
                                 : p.owner_kind == w.kind && p.owner_name == w.name;
      if (!match) continue;
      owned[k] = true;
      mine.push_back(&p);
    }
    if (w.unknown) continue;
    if (IsStanding(w)) {
      ReconcileStanding(w, i, mine, &out);
    } else {
      ReconcileReplicas(w, i, mine, suffix, &out);
    }
  }
  for (size_t k = 0; k < observed.size(); ++k) {
    if (!owned[k]) out.remove_after.push_back(observed[k].name);  // its object is gone
  }
  return out;
}

}  // namespace kpod::pods
