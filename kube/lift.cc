#include "kube/lift.h"

#include <algorithm>
#include <string>
#include <utility>

#include "kube/yaml_scalar.h"

namespace kpod::kube {
namespace {

// Source: the Kubernetes deprecation guide and the change logs of 1.16 to 1.32.
constexpr Removed kRemoved[] = {
    {"extensions/v1beta1", "Deployment", "1.16", "apps/v1"},
    {"extensions/v1beta1", "DaemonSet", "1.16", "apps/v1"},
    {"extensions/v1beta1", "ReplicaSet", "1.16", "apps/v1"},
    {"extensions/v1beta1", "NetworkPolicy", "1.16", "networking.k8s.io/v1"},
    {"extensions/v1beta1", "PodSecurityPolicy", "1.16", ""},
    {"extensions/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"},
    {"apps/v1beta1", "Deployment", "1.16", "apps/v1"},
    {"apps/v1beta1", "StatefulSet", "1.16", "apps/v1"},
    {"apps/v1beta1", "ReplicaSet", "1.16", "apps/v1"},
    {"apps/v1beta1", "ControllerRevision", "1.16", "apps/v1"},
    {"apps/v1beta2", "Deployment", "1.16", "apps/v1"},
    {"apps/v1beta2", "StatefulSet", "1.16", "apps/v1"},
    {"apps/v1beta2", "DaemonSet", "1.16", "apps/v1"},
    {"apps/v1beta2", "ReplicaSet", "1.16", "apps/v1"},
    {"apps/v1beta2", "ControllerRevision", "1.16", "apps/v1"},
    {"networking.k8s.io/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"},
    {"networking.k8s.io/v1beta1", "IngressClass", "1.22", "networking.k8s.io/v1"},
    {"batch/v2alpha1", "CronJob", "1.21", "batch/v1"},
    {"batch/v1beta1", "CronJob", "1.25", "batch/v1"},
    {"policy/v1beta1", "PodDisruptionBudget", "1.25", "policy/v1"},
    {"policy/v1beta1", "PodSecurityPolicy", "1.25", ""},
    {"autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.25", "autoscaling/v2"},
    {"autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "autoscaling/v2"},
    {"rbac.authorization.k8s.io/v1beta1", "*", "1.22", "rbac.authorization.k8s.io/v1"},
    {"rbac.authorization.k8s.io/v1alpha1", "*", "1.22", "rbac.authorization.k8s.io/v1"},
    {"storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.27", "storage.k8s.io/v1"},
    {"storage.k8s.io/v1beta1", "*", "1.22", "storage.k8s.io/v1"},
    {"storage.k8s.io/v1alpha1", "*", "1.25", "storage.k8s.io/v1"},
    {"scheduling.k8s.io/v1beta1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"},
    {"scheduling.k8s.io/v1alpha1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"},
    {"coordination.k8s.io/v1beta1", "Lease", "1.22", "coordination.k8s.io/v1"},
    {"discovery.k8s.io/v1beta1", "EndpointSlice", "1.25", "discovery.k8s.io/v1"},
    {"events.k8s.io/v1beta1", "Event", "1.25", "events.k8s.io/v1"},
    {"node.k8s.io/v1beta1", "RuntimeClass", "1.25", "node.k8s.io/v1"},
    {"node.k8s.io/v1alpha1", "RuntimeClass", "1.23", "node.k8s.io/v1"},
    {"certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.22", "certificates.k8s.io/v1"},
    {"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "1.22", "apiextensions.k8s.io/v1"},
    {"apiregistration.k8s.io/v1beta1", "APIService", "1.22", "apiregistration.k8s.io/v1"},
    {"admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", "1.22",
     "admissionregistration.k8s.io/v1"},
    {"admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", "1.22",
     "admissionregistration.k8s.io/v1"},
    {"admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", "1.32",
     "admissionregistration.k8s.io/v1"},
    {"admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicyBinding", "1.32",
     "admissionregistration.k8s.io/v1"},
    {"authentication.k8s.io/v1beta1", "*", "1.22", "authentication.k8s.io/v1"},
    {"authorization.k8s.io/v1beta1", "*", "1.22", "authorization.k8s.io/v1"},
    {"flowcontrol.apiserver.k8s.io/v1beta1", "*", "1.26", "flowcontrol.apiserver.k8s.io/v1"},
    {"flowcontrol.apiserver.k8s.io/v1beta2", "*", "1.29", "flowcontrol.apiserver.k8s.io/v1"},
    {"flowcontrol.apiserver.k8s.io/v1beta3", "*", "1.32", "flowcontrol.apiserver.k8s.io/v1"},
    {"settings.k8s.io/v1alpha1", "PodPreset", "1.20", ""},
};

Node* Find(Node* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  for (Entry& entry : node->entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::vector<Node>& ItemsOf(Node* node) {
  static std::vector<Node> none;
  return node == nullptr ? none : node->items;
}

void Drop(Node* map, std::string_view key) {
  if (map == nullptr) return;
  std::erase_if(map->entries, [&](const Entry& entry) { return entry.key == key; });
}

void Rename(Node* map, std::string_view from, std::string_view to) {
  if (map == nullptr) return;
  for (Entry& entry : map->entries) {
    if (entry.key == from) entry.key = to;
  }
}

Node MapAt(const Node& place) {
  Node map;
  map.kind = Node::Kind::kMap;
  map.line = place.line;
  map.column = place.column;
  return map;
}

Node TextAt(const Node& place, std::string_view text) {
  Node scalar = MapAt(place);
  scalar.kind = Node::Kind::kScalar;
  scalar.scalar = text;
  return scalar;
}

void Put(Node* map, std::string_view key, Node value) {
  Drop(map, key);
  Entry entry;
  entry.key = key;
  entry.line = value.line;
  entry.column = value.column;
  entry.value = std::move(value);
  map->entries.push_back(std::move(entry));
}

// Moves a value into another map of the same object, under a new name.
void Move(Node* from, std::string_view key, Node* to, std::string_view new_key) {
  Node* found = Find(from, key);
  if (found == nullptr) return;
  Node value = std::move(*found);
  Drop(from, key);
  Put(to, new_key, std::move(value));
}

// Before apps/v1 an absent selector was that of the template's labels.
void LiftWorkload(Node* root) {
  Node* spec = Find(root, "spec");
  if (spec == nullptr || !spec->IsMap()) return;
  Drop(spec, "rollbackTo");
  Drop(spec, "templateGeneration");
  if (spec->FindSet("selector") != nullptr) return;
  Node* labels = Find(Find(Find(spec, "template"), "metadata"), "labels");
  if (labels == nullptr || !labels->IsMap()) return;
  Node selector = MapAt(*labels);
  Put(&selector, "matchLabels", *labels);
  Put(spec, "selector", std::move(selector));
}

void LiftIngressBackend(Node* backend) {
  if (backend == nullptr || !backend->IsMap()) return;
  if (backend->Find("serviceName") == nullptr && backend->Find("servicePort") == nullptr) return;
  Node service = MapAt(*backend);
  Move(backend, "serviceName", &service, "name");
  if (const Node* number = backend->FindSet("servicePort")) {
    Node port = MapAt(*number);
    bool is_text = number->IsScalar() && Resolve(*number).kind == Scalar::Kind::kString;
    Move(backend, "servicePort", &port, is_text ? "name" : "number");
    Put(&service, "port", std::move(port));
  }
  Put(backend, "service", std::move(service));
}

void LiftIngress(Node* root) {
  Node* spec = Find(root, "spec");
  if (spec == nullptr || !spec->IsMap()) return;
  Rename(spec, "backend", "defaultBackend");
  LiftIngressBackend(Find(spec, "defaultBackend"));
  for (Node& rule : ItemsOf(Find(spec, "rules"))) {
    for (Node& path : ItemsOf(Find(Find(&rule, "http"), "paths"))) {
      LiftIngressBackend(Find(&path, "backend"));
      if (path.IsMap() && path.FindSet("pathType") == nullptr) {
        Put(&path, "pathType", TextAt(path, "ImplementationSpecific"));
      }
    }
  }
}

// autoscaling/v2beta1 had one flat struct a metric; v2 has metric, target and describedObject.
void LiftMetric(Node* metric, std::string_view source) {
  Node* old = Find(metric, source);
  if (old == nullptr || !old->IsMap()) return;
  if (const Node* target = old->Find("target"); target != nullptr && source == "object") {
    Rename(old, "target", "describedObject");
  }
  Node target = MapAt(*old);
  constexpr std::string_view kTargets[][3] = {
      {"targetAverageUtilization", "averageUtilization", "Utilization"},
      {"targetAverageValue", "averageValue", "AverageValue"},
      {"averageValue", "averageValue", "AverageValue"},
      {"targetValue", "value", "Value"},
  };
  for (const auto& [from, to, type] : kTargets) {
    const Node* found = old->FindSet(from);
    if (found == nullptr) continue;
    if (target.Find("type") == nullptr) Put(&target, "type", TextAt(*found, type));
    Move(old, from, &target, to);
  }
  if (!target.entries.empty()) Put(old, "target", std::move(target));
  Node name = MapAt(*old);
  Move(old, "metricName", &name, "name");
  Move(old, "metricSelector", &name, "selector");
  if (source != "resource") Move(old, "selector", &name, "selector");
  if (!name.entries.empty()) Put(old, "metric", std::move(name));
}

void LiftAutoscaler(Node* root) {
  for (Node& metric : ItemsOf(Find(Find(root, "spec"), "metrics"))) {
    for (std::string_view source :
         {"resource", "pods", "object", "external", "containerResource"}) {
      LiftMetric(&metric, source);
    }
  }
}

void LiftEndpointSlice(Node* root) {
  for (Node& endpoint : ItemsOf(Find(root, "endpoints"))) {
    if (const Node* topology = endpoint.FindSet("topology"); topology != nullptr) {
      Move(Find(&endpoint, "topology"), "topology.kubernetes.io/zone", &endpoint, "zone");
    }
    Drop(&endpoint, "topology");
  }
}

}  // namespace

std::optional<Removed> FindRemoved(std::string_view api_version, std::string_view kind) {
  for (const Removed& row : kRemoved) {
    if (row.api_version == api_version && (row.kind == kind || row.kind == "*")) {
      Removed found = row;
      found.kind = kind;
      return found;
    }
  }
  return std::nullopt;
}

Node Lift(const Node& root, const Removed& removed) {
  Node lifted = root;
  if (Node* version = Find(&lifted, "apiVersion")) version->scalar = removed.present;
  if (removed.present == "apps/v1") LiftWorkload(&lifted);
  if (removed.kind == "Ingress") LiftIngress(&lifted);
  if (removed.api_version == "autoscaling/v2beta1") LiftAutoscaler(&lifted);
  if (removed.kind == "EndpointSlice") LiftEndpointSlice(&lifted);
  return lifted;
}

}  // namespace kpod::kube
