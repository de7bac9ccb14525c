// What the rules are written with: a field of the object that knows its path and its place in the
// file, the sentences of Kubernetes' field errors, and tables of the rules that are alike.
// Used by kube/rules*.cc only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "kube/node.h"
#include "kube/object.h"
#include "kube/quantity.h"

namespace kpod::kube::rules {

struct Report {
  const Object& object;
  std::string label;  // "Deployment/web"
  bool lifted;        // written in a removed API version, so its places may differ
  bool mild;          // how a text is written is warned of, not refused
  std::vector<Diagnostic>* out;
};

// A value of the object, there or not. One that is missing stands at the place of its nearest
// parent that is there.
class Field {
 public:
  Field(Report* report, const Json* json, const Node* node, std::string path);

  Field operator[](std::string_view key) const;  // "a.b"; `key` may itself be "x.y"
  Field Key(std::string_view key) const;         // "a[key]", as Kubernetes writes maps
  Field NameOf(std::string_view key) const;      // the key itself: this path, the key's place
  std::vector<Field> Items() const;
  std::vector<std::pair<std::string, Field>> Members() const;  // through Key()

  const Json& json() const { return *json_; }
  const Report& report() const { return *report_; }
  bool present() const { return !json_->is_null(); }
  bool empty() const { return json_->empty(); }  // absent, "", [] or {}
  size_t size() const { return json_->size(); }
  std::string_view Text() const;  // "" when it is no string
  std::optional<int64_t> Int() const;
  int64_t Int(int64_t otherwise) const { return Int().value_or(otherwise); }
  bool True() const { return json_->is_boolean() && json_->get<bool>(); }

  // The sentences of k8s.io/apimachinery/pkg/util/validation/field.
  void Invalid(std::string_view why) const;
  void InvalidText(std::string_view value, std::string_view why) const;
  void Required(std::string_view why = {}) const;
  void NotSupported(std::string_view supported) const;  // "A|B"
  void NotFound() const;
  void Duplicate() const;
  void DuplicateText(std::string_view value) const;
  void Forbidden(std::string_view why) const;
  void TooLong(int64_t max_bytes) const;
  void TooMany(size_t max_items) const;
  void Warn(std::string_view text) const;
  // Invalid() and NotSupported() of a text as such: a warning where the kind's rules are mild.
  void Misspelt(std::string_view why) const;
  void Unknown(std::string_view supported) const;

 private:
  Field Child(std::string_view key, std::string path) const;
  void Add(Severity severity, std::string text) const;

  Report* report_;
  const Json* json_;
  const Node* node_;  // null when missing
  int line_, column_;
  std::string path_;
};

// A checker of text: what is wrong with it, or "".
using TextCheck = std::string (*)(std::string_view);

constexpr int64_t kUnbounded = INT64_MAX;
struct IntRule {
  const char* path;
  int64_t min = 0, max = kUnbounded;
};
struct EnumRule {
  const char* path;
  const char* values;  // "A|B", sorted as Kubernetes prints them
};
struct TextRule {
  const char* path;
  TextCheck check;
};
struct Table {
  std::span<const char* const> required;
  std::span<const IntRule> ints;
  std::span<const EnumRule> enums;
  std::span<const TextRule> texts;
};
void CheckTable(const Field& field, const Table& table);
void CheckText(const Field& field, TextCheck check);  // absent and empty pass
void CheckInt(const Field& field, int64_t min, int64_t max = kUnbounded);
void CheckEnum(const Field& field, std::string_view values);
bool OneOf(std::string_view value, std::string_view values);
// Reports the second of two equal texts. `seen` may be shared between lists.
void CheckUnique(const Field& field, std::vector<std::string>* seen);

// The quantity of a field; reports what is none. Absent gives nothing.
std::optional<Quantity> CheckQuantity(const Field& field);
std::optional<Quantity> CheckNonNegativeQuantity(const Field& field);

// kube/rules_meta.cc
void CheckLabels(const Field& labels);
void CheckAnnotations(const Field& annotations);
void CheckSelector(const Field& selector);
void CheckMeta(const Field& meta, TextCheck name_check);
// `selector` must select the labels of `pod_template`; `kind` is for the sentence about empty ones.
void CheckWorkloadSelector(const Field& selector, const Field& pod_template, std::string_view kind);

// kube/rules_pod.cc
void CheckPod(const Field& root);
// `claim_templates`: a StatefulSet's volumeClaimTemplates, which are volumes too.
void CheckPodTemplate(const Field& pod_template, const Field* claim_templates = nullptr);
// kube/rules_security.cc
void CheckPodSecurityContext(const Field& spec);
std::optional<Field> FindContainer(const Field& spec, std::string_view name);  // of either list
void CheckProfileAnnotations(const Field& annotations, const Field& spec);
// kube/rules_podman.cc
void CheckPodmanAnnotations(const Field& annotations, const Field& spec);
void CheckContainerSecurityContext(const Field& container, bool host_users);
// kube/rules_container.cc
struct PodFacts {
  bool host_network = false;
  bool host_users = true;
  int64_t grace_seconds = 30;
  std::vector<std::string> volumes;
};
void CheckContainers(const Field& spec, const PodFacts& facts);
// kube/rules_env.cc
void CheckEnv(const Field& container);
// kube/rules_probe.cc
void CheckProbesAndLifecycle(const Field& container, bool init, const PodFacts& facts);
void CheckPortOrName(const Field& port);
// kube/rules_resources.cc
void CheckResources(const Field& resources);
// kube/rules_volume.cc
void CheckVolumes(const Field& volumes, std::vector<std::string>* names);
void CheckMounts(const Field& container, const PodFacts& facts);
void CheckDownwardFieldRef(const Field& ref, std::string_view supported);
void CheckResourceFieldRef(const Field& ref);

// kube/rules_workload.cc
void CheckDeployment(const Field& root);
void CheckReplicaSet(const Field& root);
void CheckReplicationController(const Field& root);
void CheckStatefulSet(const Field& root);
void CheckDaemonSet(const Field& root);
void CheckIntOrPercent(const Field& value);
// kube/rules_batch.cc
void CheckJob(const Field& root);
void CheckCronJob(const Field& root);
// kube/rules_service.cc
void CheckService(const Field& root);
// kube/rules_endpoints.cc
void CheckEndpoints(const Field& root);
void CheckEndpointSlice(const Field& root);
void CheckNonSpecialIp(const Field& ip);  // not loopback, link-local or unspecified
// kube/rules_network.cc
void CheckIngress(const Field& root);
void CheckNetworkPolicy(const Field& root);
// kube/rules_config.cc
void CheckConfigMap(const Field& root);
void CheckSecret(const Field& root);
void CheckClaim(const Field& root);
void CheckClaimSpec(const Field& spec);
// kube/rules_policy.cc
void CheckDisruptionBudget(const Field& root);
void CheckAutoscaler(const Field& root);

}  // namespace kpod::kube::rules
