// PodDisruptionBudget and HorizontalPodAutoscaler. Source: pkg/apis/policy/validation and
// pkg/apis/autoscaling/validation.
#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

// The source of a metric is named by its type: "ContainerResource" -> "containerResource".
void CheckMetric(const Field& metric) {
  Field type = metric["type"];
  if (type.Text().empty()) {
    type.Required("must specify a metric source type");
    return;
  }
  CheckEnum(type, "ContainerResource|External|Object|Pods|Resource");
  std::string source(type.Text());
  source[0] = static_cast<char>(source[0] | 0x20);
  if (!metric[source].present()) {
    metric[source].Required(StrCat("must populate information for the given metric source"));
    return;
  }
  Field target = metric[source]["target"];
  if (target["type"].Text().empty()) target["type"].Required("must specify a metric target type");
  CheckEnum(target["type"], "AverageValue|Utilization|Value");
  CheckInt(target["averageUtilization"], 1);
}

}  // namespace

void CheckDisruptionBudget(const Field& root) {
  Field spec = root["spec"];
  if (spec["minAvailable"].present() && spec["maxUnavailable"].present()) {
    spec.Invalid("minAvailable and maxUnavailable cannot be both set");
  }
  CheckIntOrPercent(spec["minAvailable"]);
  CheckIntOrPercent(spec["maxUnavailable"]);
  CheckSelector(spec["selector"]);
  CheckEnum(spec["unhealthyPodEvictionPolicy"], "AlwaysAllow|IfHealthyBudget");
}

void CheckAutoscaler(const Field& root) {
  Field spec = root["spec"];
  Field min = spec["minReplicas"];
  Field max = spec["maxReplicas"];
  if (min.Int() && *min.Int() < 1) min.Invalid("must be greater than or equal to 1");
  if (max.Int(0) < 1) {
    max.Invalid("must be greater than 0");
  } else if (*max.Int() < min.Int(1)) {
    max.Invalid("must be greater than or equal to `minReplicas`");
  }
  for (const char* field : {"kind", "name"}) {
    Field value = spec["scaleTargetRef"][field];
    if (value.Text().empty()) value.Required();
    CheckText(value, IsPathSegmentName);
  }
  for (const Field& metric : spec["metrics"].Items()) CheckMetric(metric);
}

}  // namespace kpod::kube::rules
