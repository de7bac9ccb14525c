// Pods and pod templates. Source: pkg/apis/core/validation.
#include <algorithm>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxInt32 = INT32_MAX;
constexpr size_t kMaxNameservers = 3;
constexpr size_t kMaxSearches = 32;
constexpr size_t kMaxSearchBytes = 2048;

constexpr IntRule kInts[] = {
    {"activeDeadlineSeconds", 1, kMaxInt32},
    {"terminationGracePeriodSeconds", 0},
};
constexpr EnumRule kEnums[] = {
    {"restartPolicy", "Always|Never|OnFailure"},
    {"dnsPolicy", "ClusterFirst|ClusterFirstWithHostNet|Default|None"},
    {"preemptionPolicy", "Never|PreemptLowerPriority"},
    {"os.name", "linux|windows"},
};
constexpr TextRule kTexts[] = {
    {"serviceAccountName", IsDns1123Subdomain}, {"serviceAccount", IsDns1123Subdomain},
    {"nodeName", IsDns1123Subdomain},           {"hostname", IsDns1123Label},
    {"hostnameOverride", IsDns1123Subdomain},   {"subdomain", IsDns1123Label},
    {"priorityClassName", IsDns1123Subdomain},  {"runtimeClassName", IsDns1123Subdomain},
};
constexpr Table kPodTable = {{}, kInts, kEnums, kTexts};

void CheckHostname(const Field& spec) {
  constexpr size_t kMost = 64;
  Field name = spec["hostnameOverride"];
  if (name.empty()) return;
  if (name.Text().size() > kMost) name.TooLong(kMost);
  if (spec["hostNetwork"].True()) name.Forbidden("may not be set when `hostNetwork` is true");
  if (spec["setHostnameAsFQDN"].True())
    name.Forbidden("may not be set when `setHostnameAsFQDN` is true");
}

void CheckDns(const Field& spec) {
  Field config = spec["dnsConfig"];
  Field nameservers = config["nameservers"];
  if (spec["dnsPolicy"].Text() == "None") {
    if (!config.present()) {
      config.Required("must provide `dnsConfig` when `dnsPolicy` is None");
    } else if (nameservers.empty()) {
      nameservers.Required("must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  if (nameservers.size() > kMaxNameservers) {
    nameservers.Invalid(StrCat("must not have more than ", kMaxNameservers, " nameservers"));
  }
  for (const Field& server : nameservers.Items()) CheckText(server, IsIp);
  Field searches = config["searches"];
  if (searches.size() > kMaxSearches) {
    searches.Invalid(StrCat("must not have more than ", kMaxSearches, " search paths"));
  }
  size_t bytes = searches.size();  // the blanks between them
  for (const Field& search : searches.Items()) {
    bytes += search.Text().size();
    CheckText(search, IsSearchDomain);
  }
  if (bytes > kMaxSearchBytes + 1) {
    searches.Invalid(StrCat("must not have more than ", kMaxSearchBytes,
                            " characters (including spaces) in the search list"));
  }
  for (const Field& option : config["options"].Items()) {
    if (option["name"].Text().empty()) option["name"].Required("must not be empty");
  }
}

void CheckHostAliases(const Field& aliases) {
  for (const Field& alias : aliases.Items()) {
    if (alias["ip"].Text().empty()) {
      alias["ip"].Required();
    } else {
      CheckText(alias["ip"], IsIp);
    }
    for (const Field& name : alias["hostnames"].Items()) CheckText(name, IsDns1123Subdomain);
  }
}

void CheckTolerations(const Field& tolerations) {
  for (const Field& t : tolerations.Items()) {
    Field op = t["operator"];
    CheckText(t["key"], IsQualifiedName);
    CheckEnum(op, "Equal|Exists|Gt|Lt");
    CheckEnum(t["effect"], "NoExecute|NoSchedule|PreferNoSchedule");
    if (t["key"].Text().empty() && op.Text() != "Exists") {
      op.Invalid(
          "operator must be Exists when `key` is empty, which means \"match all values and all "
          "keys\"");
    }
    if (op.Text() == "Exists" && !t["value"].Text().empty()) {
      t["value"].Invalid("value must be empty when `operator` is 'Exists'");
    }
    if (t["tolerationSeconds"].present() && t["effect"].Text() != "NoExecute") {
      t["effect"].Invalid("effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
  }
}

// Where pods are placed has no meaning on one machine, but a mistake is a mistake.
void CheckPlacement(const Field& spec) {
  CheckLabels(spec["nodeSelector"]);
  CheckTolerations(spec["tolerations"]);
  for (const Field& c : spec["topologySpreadConstraints"].Items()) {
    CheckInt(c["maxSkew"], 1);
    if (!c["maxSkew"].present()) c["maxSkew"].Required();
    if (c["topologyKey"].Text().empty()) {
      c["topologyKey"].Required("can not be empty");
    } else {
      CheckText(c["topologyKey"], IsQualifiedName);
    }
    if (c["whenUnsatisfiable"].Text().empty()) c["whenUnsatisfiable"].Required();
    CheckEnum(c["whenUnsatisfiable"], "DoNotSchedule|ScheduleAnyway");
    CheckSelector(c["labelSelector"]);
  }
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    Field affinity = spec["affinity"][kind];
    auto check_term = [](const Field& term) {
      CheckSelector(term["labelSelector"]);
      if (term["topologyKey"].Text().empty()) {
        term["topologyKey"].Required("can not be empty");
      } else {
        CheckText(term["topologyKey"], IsQualifiedName);
      }
    };
    for (const Field& term : affinity["requiredDuringSchedulingIgnoredDuringExecution"].Items()) {
      check_term(term);
    }
    for (const Field& term : affinity["preferredDuringSchedulingIgnoredDuringExecution"].Items()) {
      CheckInt(term["weight"], 1, 100);
      check_term(term["podAffinityTerm"]);
    }
  }
}

void CheckSpec(const Field& spec, const Field* claim_templates) {
  PodFacts facts;
  facts.host_network = spec["hostNetwork"].True();
  facts.host_users = !spec["hostUsers"].present() || spec["hostUsers"].True();
  facts.grace_seconds = spec["terminationGracePeriodSeconds"].Int(30);
  CheckVolumes(spec["volumes"], &facts.volumes);
  if (claim_templates) {
    for (const Field& claim : claim_templates->Items()) {
      facts.volumes.emplace_back(claim["metadata.name"].Text());
    }
  }
  CheckContainers(spec, facts);
  CheckTable(spec, kPodTable);
  if (spec["os.name"].Text() == "windows") {
    spec["os.name"].Invalid("this machine runs linux, and the pod would never be admitted");
  }
  CheckHostname(spec);
  CheckDns(spec);
  CheckHostAliases(spec["hostAliases"]);
  CheckPlacement(spec);
  CheckPodSecurityContext(spec);
  CheckResources(spec["resources"]);
}

}  // namespace

void CheckPod(const Field& root) {
  Field spec = root["spec"];
  CheckSpec(spec, nullptr);
  CheckProfileAnnotations(root["metadata.annotations"], spec);
  CheckPodmanAnnotations(root["metadata.annotations"], spec);
  if (!spec["ephemeralContainers"].empty()) {
    spec["ephemeralContainers"].Forbidden("cannot be set on create");
  }
}

void CheckPodTemplate(const Field& pod_template, const Field* claim_templates) {
  CheckLabels(pod_template["metadata.labels"]);
  CheckAnnotations(pod_template["metadata.annotations"]);
  Field spec = pod_template["spec"];
  CheckSpec(spec, claim_templates);
  CheckProfileAnnotations(pod_template["metadata.annotations"], spec);
  CheckPodmanAnnotations(pod_template["metadata.annotations"], spec);
  if (!spec["ephemeralContainers"].empty()) {
    spec["ephemeralContainers"].Forbidden("ephemeral containers not allowed in pod template");
  }
}

}  // namespace kpod::kube::rules
