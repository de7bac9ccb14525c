// Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet. Source:
// pkg/apis/apps/validation.
#include "base/text.h"
#include "kube/decode.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr IntRule kCounts[] = {{"replicas"}, {"minReadySeconds"}, {"revisionHistoryLimit"}};
constexpr Table kCountTable = {{}, kCounts, {}, {}};

void CheckTemplate(const Field& spec, std::string_view kind, const Field* claims = nullptr) {
  Field pod_template = spec["template"];
  if (!pod_template.present()) {
    pod_template.Required();
    return;
  }
  CheckPodTemplate(pod_template, claims);
  Field policy = pod_template["spec.restartPolicy"];
  if (OneOf(policy.Text(), "OnFailure|Never")) policy.NotSupported("Always");
  Field deadline = pod_template["spec.activeDeadlineSeconds"];
  if (deadline.present()) {
    deadline.Forbidden(StrCat("activeDeadlineSeconds in ", kind, " is not Supported"));
  }
}

// What a rolling update's number comes to: zero ("0", "0%") or not. Absent is `otherwise`.
bool IsZero(const Field& value, bool otherwise) {
  if (value.Int()) return *value.Int() == 0;
  std::string_view text = value.Text();
  if (text.empty()) return otherwise;
  return text.find_first_not_of("0%") == std::string_view::npos;
}

void CheckAtMostAll(const Field& value) {
  std::string_view text = value.Text();
  if (text.empty() || !IsPercent(text).empty()) return;
  text.remove_suffix(1);
  if (ParseInt(text).value_or(INT64_MAX) > 100) value.Invalid("must not be greater than 100%");
}

void CheckStrategy(const Field& strategy) {
  Field rolling = strategy["rollingUpdate"];
  CheckEnum(strategy["type"], "Recreate|RollingUpdate");
  if (strategy["type"].Text() == "Recreate") {
    if (rolling.present()) {
      rolling.Forbidden("may not be specified when strategy `type` is 'Recreate'");
    }
    return;
  }
  Field unavailable = rolling["maxUnavailable"];
  CheckIntOrPercent(unavailable);
  CheckIntOrPercent(rolling["maxSurge"]);
  if (IsZero(unavailable, false) && IsZero(rolling["maxSurge"], false)) {
    unavailable.Invalid("may not be 0 when `maxSurge` is 0");
  }
  CheckAtMostAll(unavailable);
}

}  // namespace

void CheckIntOrPercent(const Field& value) {
  if (value.Int()) {
    CheckInt(value, 0);
  } else {
    CheckText(value, IsPercent);
  }
}

void CheckDeployment(const Field& root) {
  Field spec = root["spec"];
  CheckTable(spec, kCountTable);
  CheckWorkloadSelector(spec["selector"], spec["template"], "deployment");
  CheckTemplate(spec, "Deployment");
  CheckStrategy(spec["strategy"]);
  Field deadline = spec["progressDeadlineSeconds"];
  CheckInt(deadline, 0);
  constexpr int64_t kDefaultDeadline = 600;
  Field min_ready = spec["minReadySeconds"];
  if (deadline.Int() && *deadline.Int() >= 0 && *deadline.Int() <= min_ready.Int(0)) {
    deadline.Invalid("must be greater than minReadySeconds");
  } else if (!deadline.present() && min_ready.Int(0) >= kDefaultDeadline) {
    min_ready.Invalid(StrCat("must be less than progressDeadlineSeconds, which is ",
                             kDefaultDeadline, " where nothing is said"));
  }
}

void CheckReplicaSet(const Field& root) {
  Field spec = root["spec"];
  CheckTable(spec, kCountTable);
  CheckWorkloadSelector(spec["selector"], spec["template"], "deployment");
  CheckTemplate(spec, "ReplicaSet");
}

void CheckReplicationController(const Field& root) {
  Field spec = root["spec"];
  CheckTable(spec, kCountTable);
  Field labels = spec["template.metadata.labels"];
  // Without a selector it is the labels of the template.
  for (const auto& [key, value] : spec["selector"].Members()) {
    if (StringAt(labels.json(), key) != value.Text() || !labels.Key(key).present()) {
      labels.Invalid("`selector` does not match template `labels`");
      break;
    }
  }
  if (spec["selector"].empty() && labels.empty()) spec["selector"].Required();
  CheckTemplate(spec, "ReplicationController");
}

void CheckStatefulSet(const Field& root) {
  constexpr EnumRule kEnums[] = {
      {"podManagementPolicy", "OrderedReady|Parallel"},
      {"updateStrategy.type", "OnDelete|RollingUpdate"},
      {"persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete|Retain"},
      {"persistentVolumeClaimRetentionPolicy.whenScaled", "Delete|Retain"},
  };
  constexpr IntRule kInts[] = {{"ordinals.start"}, {"updateStrategy.rollingUpdate.partition"}};
  Field spec = root["spec"];
  CheckTable(spec, kCountTable);
  CheckTable(spec, {{}, kInts, kEnums, {}});
  Field rolling = spec["updateStrategy.rollingUpdate"];
  if (spec["updateStrategy.type"].Text() == "OnDelete" && rolling.present()) {
    rolling.Invalid("only allowed for updateStrategy 'RollingUpdate'");
  }
  Field unavailable = rolling["maxUnavailable"];
  CheckIntOrPercent(unavailable);
  CheckAtMostAll(unavailable);
  if (IsZero(unavailable, false)) unavailable.Invalid("cannot be 0");
  CheckWorkloadSelector(spec["selector"], spec["template"], "statefulset");
  Field claims = spec["volumeClaimTemplates"];
  std::vector<std::string> names;
  for (const Field& claim : claims.Items()) {
    Field name = claim["metadata.name"];
    if (name.Text().empty()) name.Required();
    CheckText(name, IsDns1123Subdomain);
    CheckUnique(name, &names);
    CheckLabels(claim["metadata.labels"]);
    CheckClaimSpec(claim["spec"]);
  }
  CheckTemplate(spec, "StatefulSet", &claims);
}

void CheckDaemonSet(const Field& root) {
  Field spec = root["spec"];
  CheckTable(spec, kCountTable);
  CheckWorkloadSelector(spec["selector"], spec["template"], "daemonset");
  CheckTemplate(spec, "DaemonSet");
  CheckEnum(spec["updateStrategy.type"], "OnDelete|RollingUpdate");
  Field rolling = spec["updateStrategy.rollingUpdate"];
  if (spec["updateStrategy.type"].Text() == "OnDelete") return;
  Field unavailable = rolling["maxUnavailable"];
  Field surge = rolling["maxSurge"];
  CheckIntOrPercent(unavailable);
  CheckIntOrPercent(surge);
  CheckAtMostAll(unavailable);
  CheckAtMostAll(surge);
  bool has_surge = !IsZero(surge, true);
  // Absent is one, or none beside a surge that is set.
  bool has_unavailable = !IsZero(unavailable, has_surge);
  if (has_surge && has_unavailable) surge.Invalid("may not be set when maxUnavailable is non-zero");
  if (!has_surge && !has_unavailable) unavailable.Invalid("cannot be 0 when maxSurge is 0");
}

}  // namespace kpod::kube::rules
