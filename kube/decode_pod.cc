// Pod specs, with the defaults of Kubernetes' pkg/apis/core/v1/defaults.go.
#include "base/text.h"
#include "kube/decode.h"
#include "kube/decode_parts.h"

namespace kpod::kube {
namespace {

PodSecurityContext DecodePodSecurityContext(const Json& j) {
  PodSecurityContext out;
  out.run_as_user = OptionalInt(j, "runAsUser");
  out.run_as_group = OptionalInt(j, "runAsGroup");
  out.fs_group = OptionalInt(j, "fsGroup");
  out.run_as_non_root = OptionalBool(j, "runAsNonRoot");
  if (const Json& groups = At(j, "supplementalGroups"); groups.is_array()) {
    for (const Json& group : groups) {
      if (group.is_number_integer()) out.supplemental_groups.push_back(group.get<int64_t>());
    }
  }
  out.seccomp_profile = DecodeSeccomp(At(j, "seccompProfile"));
  out.apparmor_profile = DecodeAppArmor(At(j, "appArmorProfile"));
  out.selinux_options = DecodeSelinux(At(j, "seLinuxOptions"));
  out.supplemental_groups_policy = StringAt(j, "supplementalGroupsPolicy");
  out.fs_group_change_policy = StringAt(j, "fsGroupChangePolicy");
  if (const Json& sysctls = At(j, "sysctls"); sysctls.is_array()) {
    for (const Json& s : sysctls)
      out.sysctls.emplace_back(StringAt(s, "name"), StringAt(s, "value"));
  }
  return out;
}

HostAlias DecodeHostAlias(const Json& j) { return {StringAt(j, "ip"), StringsAt(j, "hostnames")}; }

DnsConfig DecodeDnsConfig(const Json& j) {
  DnsConfig out{StringsAt(j, "nameservers"), StringsAt(j, "searches"), {}};
  if (const Json& options = At(j, "options"); options.is_array()) {
    for (const Json& o : options)
      out.options.emplace_back(StringAt(o, "name"), StringAt(o, "value"));
  }
  return out;
}

// On the host's network a container's port is the host's port.
void DefaultHostPorts(std::vector<Container>* containers) {
  for (Container& c : *containers) {
    for (ContainerPort& p : c.ports) {
      if (p.host_port == 0) p.host_port = p.container_port;
    }
  }
}

}  // namespace

PodSpec DecodePodSpec(const Json& spec) {
  PodSpec out;
  out.init_containers = Each(At(spec, "initContainers"), DecodeContainer);
  out.containers = Each(At(spec, "containers"), DecodeContainer);
  out.volumes = Each(At(spec, "volumes"), DecodeVolume);
  if (std::string v = StringAt(spec, "restartPolicy"); !v.empty()) out.restart_policy = v;
  if (std::string v = StringAt(spec, "dnsPolicy"); !v.empty()) out.dns_policy = v;
  out.termination_grace_period_seconds =
      IntAt(spec, "terminationGracePeriodSeconds", out.termination_grace_period_seconds);
  out.active_deadline_seconds = OptionalInt(spec, "activeDeadlineSeconds");
  out.hostname = StringAt(spec, "hostname");
  out.subdomain = StringAt(spec, "subdomain");
  out.hostname_override = StringAt(spec, "hostnameOverride");
  out.set_hostname_as_fqdn = OptionalBool(spec, "setHostnameAsFQDN");
  out.dns_config = DecodeDnsConfig(At(spec, "dnsConfig"));
  out.host_network = BoolAt(spec, "hostNetwork");
  out.host_pid = BoolAt(spec, "hostPID");
  out.host_ipc = BoolAt(spec, "hostIPC");
  out.share_process_namespace = BoolAt(spec, "shareProcessNamespace");
  const Json& resources = At(spec, "resources");
  out.resources = {DecodeResourceList(At(resources, "limits")),
                   DecodeResourceList(At(resources, "requests"))};
  out.priority_class_name = StringAt(spec, "priorityClassName");
  out.host_users = BoolAt(spec, "hostUsers", true);
  out.enable_service_links = BoolAt(spec, "enableServiceLinks", true);
  out.security_context = DecodePodSecurityContext(At(spec, "securityContext"));
  out.host_aliases = Each(At(spec, "hostAliases"), DecodeHostAlias);
  if (const Json& secrets = At(spec, "imagePullSecrets"); secrets.is_array()) {
    for (const Json& s : secrets) out.image_pull_secrets.push_back(StringAt(s, "name"));
  }
  for (const char* key : {"serviceAccount", "serviceAccountName"}) {
    if (std::string v = StringAt(spec, key); !v.empty()) out.service_account_name = v;
  }
  if (out.host_network) {
    DefaultHostPorts(&out.init_containers);
    DefaultHostPorts(&out.containers);
  }
  return out;
}

}  // namespace kpod::kube
