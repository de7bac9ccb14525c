#include "pods/plan_security.h"

#include <algorithm>

#include "base/text.h"
#include "runtime/container.h"
#include "runtime/selinux.h"

namespace kpod::pods {

namespace {

std::string WithCap(const std::string& name) {
  std::string upper = ToUpper(name);
  return upper.starts_with("CAP_") ? upper : "CAP_" + upper;
}

bool Has(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool HasAll(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return WithCap(name) == "CAP_ALL"; });
}

}  // namespace

std::vector<std::string> EffectiveCapabilities(const kube::SecurityContext& context) {
  if (context.privileged.value_or(false)) return runtime::AllCapabilities();
  std::vector<std::string> set = runtime::DefaultCapabilities();
  if (!context.capabilities) return set;
  const kube::Capabilities& c = *context.capabilities;
  if (HasAll(c.add)) set = runtime::AllCapabilities();
  if (HasAll(c.drop)) set.clear();
  for (const std::string& name : c.drop) std::erase(set, WithCap(name));
  for (const std::string& name : c.add) {
    if (WithCap(name) != "CAP_ALL" && !Has(set, WithCap(name))) set.push_back(WithCap(name));
  }
  return set;
}

void PlanSecurity(const kube::Pod& pod, const kube::Container& c, ContainerPlan* out) {
  const kube::SecurityContext& cs = c.security_context;
  out->privileged = cs.privileged.value_or(false);
  out->read_only_root = cs.read_only_root_filesystem.value_or(false);
  out->no_new_privileges = !cs.allow_privilege_escalation.value_or(true);
  out->unmasked_proc = out->privileged || cs.proc_mount == "Unmasked";
  out->capabilities = EffectiveCapabilities(cs);
  const auto& profile =
      cs.seccomp_profile ? cs.seccomp_profile : pod.spec.security_context.seccomp_profile;
  // Without a word RuntimeDefault holds, as with the kubelet's seccompDefault and with podman.
  out->seccomp = "default";
  if (profile && profile->type == "Localhost") out->seccomp = profile->localhost_profile;
  if ((profile && profile->type == "Unconfined") || out->privileged) out->seccomp = "unconfined";
}

std::optional<kube::AppArmorProfile> AppArmorOf(const kube::Pod& pod, const kube::Container& c) {
  if (c.security_context.apparmor_profile) return c.security_context.apparmor_profile;
  auto annotation = pod.metadata.annotations.find(StrCat(kube::kAppArmorAnnotation, c.name));
  if (annotation != pod.metadata.annotations.end()) {
    constexpr std::string_view kLocal = "localhost/";
    const std::string& value = annotation->second;
    if (value == "runtime/default") return kube::AppArmorProfile{"RuntimeDefault", ""};
    if (value == "unconfined") return kube::AppArmorProfile{"Unconfined", ""};
    if (value.starts_with(kLocal))
      return kube::AppArmorProfile{"Localhost", value.substr(kLocal.size())};
  }
  return pod.spec.security_context.apparmor_profile;
}

void CheckAppArmor(const kube::Pod& pod, const runtime::AppArmorHost& host, Blocked* blocked) {
  if (host.enabled || !blocked->reason.empty()) return;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const kube::Container& c : *list) {
      std::optional<kube::AppArmorProfile> profile = AppArmorOf(pod, c);
      if (!profile || profile->type == "Unconfined") continue;
      *blocked = {"AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"};
      return;
    }
  }
}

void PlanAppArmor(const kube::Pod& pod, const kube::Container& c, const runtime::AppArmorHost& host,
                  ContainerPlan* out) {
  std::optional<kube::AppArmorProfile> profile = AppArmorOf(pod, c);
  if (!host.enabled || !profile) return;
  if (profile->type == "RuntimeDefault" && !out->privileged) {
    out->apparmor = runtime::kDefaultAppArmorProfile;
  }
  if (profile->type != "Localhost") return;
  out->apparmor = profile->localhost_profile;
  if (host.profiles_known && !host.Has(out->apparmor) && out->blocked.reason.empty()) {
    out->blocked = {"CreateContainerError",
                    StrCat("failed to generate apparmor spec opts: apparmor profile not found ",
                           out->apparmor)};
  }
}

void PlanSelinux(const kube::Pod& pod, const kube::Container& c, bool on, ContainerPlan* out) {
  if (!on) {
    for (MountPlan& mount : out->mounts) mount.relabel.clear();
    return;
  }
  const auto& of_pod = pod.spec.security_context.selinux_options;
  const auto& given =
      c.security_context.selinux_options ? c.security_context.selinux_options : of_pod;
  if (!given || out->privileged) return;
  runtime::SelinuxLabels labels =
      runtime::SelinuxLabelsFor({given->user, given->role, given->type, given->level});
  out->selinux_label = labels.process;
  out->file_label = labels.files;
}

}  // namespace kpod::pods
