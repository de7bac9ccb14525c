// Security contexts of pods and containers.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"
#include "kube/types.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxId = INT32_MAX;

constexpr IntRule kPodIds[] = {
    {"runAsUser", 0, kMaxId}, {"runAsGroup", 0, kMaxId}, {"fsGroup", 0, kMaxId}};
constexpr EnumRule kPodEnums[] = {
    {"fsGroupChangePolicy", "Always|OnRootMismatch"},
    {"supplementalGroupsPolicy", "Merge|Strict"},
    {"seLinuxChangePolicy", "MountOption|Recursive"},
};
constexpr IntRule kContainerIds[] = {{"runAsUser", 0, kMaxId}, {"runAsGroup", 0, kMaxId}};
constexpr EnumRule kContainerEnums[] = {{"procMount", "Default|Unmasked"}};

// seccompProfile and appArmorProfile have one shape.
void CheckProfile(const Field& profile, std::string_view what) {
  if (!profile.present()) return;
  Field type = profile["type"];
  Field local = profile["localhostProfile"];
  if (type.Text().empty()) {
    type.Required("type is required when " + std::string(what) + " profile is set");
    return;
  }
  CheckEnum(type, "Localhost|RuntimeDefault|Unconfined");
  if (type.Text() == "Localhost") {
    if (local.Text().empty()) {
      local.Required(StrCat("must be set when ", what, " type is Localhost"));
    } else if (what == "seccomp") {
      CheckText(local, IsRelativePath);
    }
  } else if (local.present()) {
    local.Invalid(StrCat("can only be set when ", what, " type is Localhost"));
  }
}

void CheckWindows(const Field& options) {
  if (!options.empty()) options.Forbidden("windows options cannot be set for a linux pod");
}

// What a kubelet allows of itself; docs/tasks/administer-cluster/sysctl-cluster of Kubernetes.
bool IsSafeSysctl(std::string_view name) {
  return OneOf(name,
               "kernel.shm_rmid_forced|net.ipv4.ip_local_port_range|net.ipv4.tcp_syncookies|"
               "net.ipv4.ping_group_range|net.ipv4.ip_unprivileged_port_start|"
               "net.ipv4.ip_local_reserved_ports|net.ipv4.tcp_keepalive_time|"
               "net.ipv4.tcp_fin_timeout|net.ipv4.tcp_keepalive_intvl|"
               "net.ipv4.tcp_keepalive_probes|net.ipv4.tcp_rmem|net.ipv4.tcp_wmem");
}

void CheckSysctls(const Field& sysctls, bool host_network) {
  std::vector<std::string> seen;
  for (const Field& sysctl : sysctls.Items()) {
    Field name = sysctl["name"];
    if (name.Text().empty()) {
      name.Required();
      continue;
    }
    CheckText(name, IsSysctlName);
    CheckUnique(name, &seen);
    if (host_network && name.Text().starts_with("net")) {
      name.Invalid("may not be specified when 'hostNetwork' is true");
    }
    std::string dotted(name.Text());
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    if (IsSysctlName(name.Text()).empty() && !IsSafeSysctl(dotted))
      name.Warn("it is set here, but a cluster refuses it unless its kubelets allow it");
  }
}

bool AddsSysAdmin(const Field& add) {
  for (const Field& capability : add.Items()) {
    if (OneOf(capability.Text(), "SYS_ADMIN|CAP_SYS_ADMIN")) return true;
  }
  return false;
}

}  // namespace

std::optional<Field> FindContainer(const Field& spec, std::string_view name) {
  for (const char* list : {"containers", "initContainers"}) {
    for (const Field& container : spec[list].Items()) {
      if (container["name"].Text() == name) return container;
    }
  }
  return std::nullopt;
}

void CheckPodSecurityContext(const Field& spec) {
  Field context = spec["securityContext"];
  CheckTable(context, {{}, kPodIds, kPodEnums, {}});
  for (const Field& group : context["supplementalGroups"].Items()) CheckInt(group, 0, kMaxId);
  CheckProfile(context["seccompProfile"], "seccomp");
  CheckProfile(context["appArmorProfile"], "AppArmor");
  CheckWindows(context["windowsOptions"]);
  CheckSysctls(context["sysctls"], spec["hostNetwork"].True());
  if (spec["shareProcessNamespace"].True() && spec["hostPID"].True()) {
    spec["shareProcessNamespace"].Invalid(
        "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  if (spec["hostUsers"].json() == false) {
    for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
      if (spec[field].True()) spec[field].Forbidden("when `hostUsers` is false");
    }
  }
}

void CheckProfileAnnotations(const Field& annotations, const Field& spec) {
  for (const auto& [key, value] : annotations.Members()) {
    if (!key.starts_with(kAppArmorAnnotation)) continue;
    std::string_view name = std::string_view(key).substr(kAppArmorAnnotation.size());
    std::string_view profile = value.Text();
    std::optional<Field> container = FindContainer(spec, name);
    if (!container) value.InvalidText(name, "container not found");
    std::string type = profile == "runtime/default"        ? "RuntimeDefault"
                       : profile == "unconfined"           ? "Unconfined"
                       : profile.starts_with("localhost/") ? "Localhost"
                                                           : "";
    if (type.empty() && !profile.empty())
      value.Invalid(StrCat("invalid AppArmor profile name: ", Quote(profile)));
    if (!container || type.empty()) continue;
    Field field = (*container)["securityContext.appArmorProfile"];
    if (!field.present()) continue;
    if (field["type"].Text() != type) {
      field["type"].Forbidden("apparmor type in annotation and field must match");
    } else if (type == "Localhost" &&
               field["localhostProfile"].Text() != profile.substr(profile.find('/') + 1)) {
      field["localhostProfile"].Forbidden("apparmor profile in annotation and field must match");
    }
  }
}

void CheckContainerSecurityContext(const Field& container, bool host_users) {
  Field context = container["securityContext"];
  if (!context.present()) return;
  CheckTable(context, {{}, kContainerIds, kContainerEnums, {}});
  CheckProfile(context["seccompProfile"], "seccomp");
  CheckProfile(context["appArmorProfile"], "AppArmor");
  CheckWindows(context["windowsOptions"]);
  if (context["procMount"].Text() == "Unmasked" && host_users) {
    context["procMount"].Invalid("`hostUsers` must be false to use `Unmasked`");
  }
  Field escalation = context["allowPrivilegeEscalation"];
  if (escalation.json() != false) return;
  if (context["privileged"].True()) {
    context.Invalid("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  if (AddsSysAdmin(context["capabilities.add"])) {
    context.Invalid(
        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

}  // namespace kpod::kube::rules
