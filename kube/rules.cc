// Which rules a kind is under.
#include "kube/rules.h"

#include <algorithm>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube {
namespace {

using rules::Field;

struct KindRules {
  std::string_view kind;  // group and kind, as in "apps/Deployment"; core kinds begin with "/"
  rules::TextCheck name;
  void (*check)(const Field& root);  // nullptr: metadata only
  // How an object's name is written, and for some kinds how all texts and choices are: real files
  // hold placeholders here ("front_end", "HOST"), which a cluster refuses and we tell of.
  bool mild_name = false, mild = false;
};

constexpr rules::TextCheck kSubdomain = rules::IsDns1123Subdomain;
constexpr rules::TextCheck kSegment = rules::IsPathSegmentName;

constexpr KindRules kKinds[] = {
    {"/ConfigMap", kSubdomain, rules::CheckConfigMap},
    {"/Endpoints", kSubdomain, rules::CheckEndpoints},
    {"/Namespace", rules::IsDns1123Label, nullptr},
    {"/PersistentVolumeClaim", kSubdomain, rules::CheckClaim},
    {"/Pod", kSubdomain, rules::CheckPod},
    {"/ReplicationController", kSubdomain, rules::CheckReplicationController},
    {"/Secret", kSubdomain, rules::CheckSecret},
    {"/Service", rules::IsDns1035Label, rules::CheckService, true},
    {"apps/DaemonSet", kSubdomain, rules::CheckDaemonSet},
    {"apps/Deployment", kSubdomain, rules::CheckDeployment},
    {"apps/ReplicaSet", kSubdomain, rules::CheckReplicaSet},
    {"apps/StatefulSet", kSubdomain, rules::CheckStatefulSet},
    {"autoscaling/HorizontalPodAutoscaler", kSubdomain, rules::CheckAutoscaler},
    {"batch/CronJob", kSubdomain, rules::CheckCronJob},
    {"batch/Job", kSubdomain, rules::CheckJob},
    {"discovery.k8s.io/EndpointSlice", kSubdomain, rules::CheckEndpointSlice},
    {"networking.k8s.io/Ingress", kSubdomain, rules::CheckIngress, true, true},
    {"networking.k8s.io/NetworkPolicy", kSubdomain, rules::CheckNetworkPolicy},
    {"policy/PodDisruptionBudget", kSubdomain, rules::CheckDisruptionBudget},
    {"rbac.authorization.k8s.io/ClusterRole", kSegment, nullptr},
    {"rbac.authorization.k8s.io/ClusterRoleBinding", kSegment, nullptr},
    {"rbac.authorization.k8s.io/Role", kSegment, nullptr},
    {"rbac.authorization.k8s.io/RoleBinding", kSegment, nullptr},
};

// "apps" of "apps/v1", "" of "v1".
std::string_view GroupIn(std::string_view api_version) {
  size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

}  // namespace

void CheckRules(const Object& object, const Node& root, bool lifted, std::vector<Diagnostic>* out) {
  std::string key = StrCat(GroupIn(object.api_version), "/", object.kind);
  const KindRules* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                        [&](const KindRules& rule) { return rule.kind == key; });
  bool known = found != std::end(kKinds);
  std::string name = object.name;
  if (name.empty()) name = StringAt(At(object.json, "metadata"), "generateName");
  rules::Report report{object, name.empty() ? object.kind : StrCat(object.kind, "/", name), lifted,
                       known && found->mild_name, out};
  Field field(&report, &object.json, &root, "");
  rules::CheckMeta(field["metadata"], known ? found->name : kSubdomain);
  report.mild = known && found->mild;
  if (known && found->check != nullptr) found->check(field);
}

}  // namespace kpod::kube
