// Job and CronJob. Source: pkg/apis/batch/validation.
#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr size_t kMaxCronJobName = 52;  // its jobs' names get eleven characters more

constexpr IntRule kJobInts[] = {
    {"parallelism"},
    {"completions"},
    {"backoffLimit"},
    {"activeDeadlineSeconds"},
    {"ttlSecondsAfterFinished"},
    {"backoffLimitPerIndex"},
    {"maxFailedIndexes"},
};
constexpr EnumRule kJobEnums[] = {
    {"completionMode", "NonIndexed|Indexed"},
    {"podReplacementPolicy", "Failed|TerminatingOrFailed"},
};
constexpr Table kJobTable = {{}, kJobInts, kJobEnums, {}};

constexpr IntRule kCronInts[] = {
    {"startingDeadlineSeconds"}, {"successfulJobsHistoryLimit"}, {"failedJobsHistoryLimit"}};
constexpr EnumRule kCronEnums[] = {{"concurrencyPolicy", "Allow|Forbid|Replace"}};
constexpr Table kCronTable = {{}, kCronInts, kCronEnums, {}};

void CheckFailurePolicy(const Field& spec) {
  Field policy = spec["podFailurePolicy"];
  if (!policy.present()) return;
  Field restart = spec["template.spec.restartPolicy"];
  if (restart.Text() == "OnFailure") {
    restart.Invalid("only \"Never\" is supported when podFailurePolicy is specified");
  }
  for (const Field& rule : policy["rules"].Items()) {
    Field action = rule["action"];
    if (action.Text().empty()) {
      action.Required("valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
    }
    CheckEnum(action, "Count|FailIndex|FailJob|Ignore");
    Field codes = rule["onExitCodes"];
    Field conditions = rule["onPodConditions"];
    if (codes.present() && !conditions.empty()) {
      rule.InvalidText("", "specifying both OnExitCodes and OnPodConditions is not supported");
    } else if (!codes.present() && conditions.empty()) {
      rule.InvalidText("", "specifying one of OnExitCodes and OnPodConditions is required");
    }
    CheckEnum(codes["operator"], "In|NotIn");
    if (codes.present() && codes["values"].empty()) {
      codes["values"].Invalid("at least one value is required");
    }
  }
}

void CheckJobSpec(const Field& spec) {
  CheckTable(spec, kJobTable);
  bool indexed = spec["completionMode"].Text() == "Indexed";
  if (indexed && !spec["completions"].present()) {
    spec["completions"].Required("when completion mode is Indexed");
  }
  if (!indexed) {
    for (const char* field : {"backoffLimitPerIndex", "maxFailedIndexes"}) {
      if (spec[field].present()) {
        spec[field].Invalid("requires indexed completion mode");
      }
    }
  }
  Field pod_template = spec["template"];
  if (!pod_template.present()) {
    pod_template.Required();
    return;
  }
  if (spec["manualSelector"].True()) CheckWorkloadSelector(spec["selector"], pod_template, "job");
  CheckPodTemplate(pod_template);
  Field policy = pod_template["spec.restartPolicy"];
  // Absent is "Always", which has no end.
  if (policy.Text().empty() || policy.Text() == "Always") {
    policy.Required("valid values: \"OnFailure\", \"Never\"");
  }
  CheckFailurePolicy(spec);
  if (spec["maxFailedIndexes"].present() && !spec["backoffLimitPerIndex"].present()) {
    spec["backoffLimitPerIndex"].Required("when maxFailedIndexes is specified");
  }
}

void CheckTimeZone(const Field& zone) {
  if (!zone.present()) return;
  if (zone.Text().empty()) {
    zone.Invalid("timeZone must be nil or non-empty string");
  } else if (ToLower(zone.Text()) == "local") {
    zone.Invalid(
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  } else if (zone.Text().find_first_not_of(
                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/.") !=
             std::string_view::npos) {
    zone.Invalid(StrCat("unknown time zone ", zone.Text()));
  }
}

}  // namespace

void CheckJob(const Field& root) {
  Field spec = root["spec"];
  if (spec["selector"].present() && !spec["manualSelector"].True()) {
    spec["selector"].Invalid("`selector` not auto-generated");
  }
  CheckJobSpec(spec);
}

void CheckCronJob(const Field& root) {
  Field spec = root["spec"];
  Field name = root["metadata.name"];
  if (name.Text().size() > kMaxCronJobName) {
    name.Invalid(StrCat("must be no more than ", kMaxCronJobName, " characters"));
  }
  CheckTable(spec, kCronTable);
  Field schedule = spec["schedule"];
  if (schedule.Text().empty()) {
    schedule.Required();
  } else if (Contains(schedule.Text(), "TZ")) {
    schedule.Invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else {
    CheckText(schedule, IsCronSchedule);
  }
  CheckTimeZone(spec["timeZone"]);
  Field job = spec["jobTemplate.spec"];
  for (const char* field : {"selector", "manualSelector"}) {
    if (job[field].present() && job[field].json() != false) {
      job[field].Invalid(StrCat("`", field, "` will be auto-generated"));
    }
  }
  CheckLabels(spec["jobTemplate.metadata.labels"]);
  CheckAnnotations(spec["jobTemplate.metadata.annotations"]);
  CheckJobSpec(job);
}

}  // namespace kpod::kube::rules
