// The fields of the plan's structs as plan.json names them; seen by plan.cc only. Each is named
// once: writing and reading both walk these lists, so that neither can forget one. A field with its
// default value is left out: plan.json is short and reads well.
#pragma once

#include <tuple>

#include "pods/plan.h"

namespace kpod::pods {

template <class S, class T>
struct Field {
  const char* key;
  T S::*member;
};
template <class S, class T>
constexpr Field<S, T> F(const char* key, T S::*member) {
  return {key, member};
}

constexpr auto FieldsOf(const kube::KeyToPath*) {
  using S = kube::KeyToPath;
  return std::make_tuple(F("key", &S::key), F("path", &S::path), F("mode", &S::mode));
}
constexpr auto FieldsOf(const kube::Ulimit*) {
  using S = kube::Ulimit;
  return std::make_tuple(F("name", &S::name), F("soft", &S::soft), F("hard", &S::hard));
}
constexpr auto FieldsOf(const ServiceLinkPort*) {
  using S = ServiceLinkPort;
  return std::make_tuple(F("name", &S::name), F("protocol", &S::protocol), F("port", &S::port));
}
constexpr auto FieldsOf(const ServiceLink*) {
  using S = ServiceLink;
  return std::make_tuple(F("name", &S::name), F("ip", &S::ip), F("ports", &S::ports));
}
constexpr auto FieldsOf(const kube::KeyedVolume*) {
  using S = kube::KeyedVolume;
  return std::make_tuple(F("name", &S::name), F("items", &S::items),
                         F("defaultMode", &S::default_mode), F("optional", &S::optional));
}
constexpr auto FieldsOf(const kube::HostAlias*) {
  using S = kube::HostAlias;
  return std::make_tuple(F("ip", &S::ip), F("hostnames", &S::hostnames));
}
constexpr auto FieldsOf(const kube::DnsConfig*) {
  using S = kube::DnsConfig;
  return std::make_tuple(F("nameservers", &S::nameservers), F("searches", &S::searches),
                         F("options", &S::options));
}
constexpr auto FieldsOf(const kube::PortRef*) {
  using S = kube::PortRef;
  return std::make_tuple(F("number", &S::number), F("name", &S::name));
}
constexpr auto FieldsOf(const kube::HttpGetAction*) {
  using S = kube::HttpGetAction;
  return std::make_tuple(F("path", &S::path), F("host", &S::host), F("scheme", &S::scheme),
                         F("port", &S::port), F("headers", &S::headers));
}
constexpr auto FieldsOf(const kube::TcpSocketAction*) {
  using S = kube::TcpSocketAction;
  return std::make_tuple(F("host", &S::host), F("port", &S::port));
}
constexpr auto FieldsOf(const kube::GrpcAction*) {
  using S = kube::GrpcAction;
  return std::make_tuple(F("port", &S::port), F("service", &S::service));
}
constexpr auto FieldsOf(const kube::Handler*) {
  using S = kube::Handler;
  return std::make_tuple(F("exec", &S::exec), F("httpGet", &S::http_get),
                         F("tcpSocket", &S::tcp_socket), F("grpc", &S::grpc),
                         F("sleepSeconds", &S::sleep_seconds));
}
constexpr auto FieldsOf(const kube::Probe*) {
  using S = kube::Probe;
  return std::make_tuple(F("handler", &S::handler), F("initialDelay", &S::initial_delay),
                         F("period", &S::period), F("timeout", &S::timeout),
                         F("successThreshold", &S::success_threshold),
                         F("failureThreshold", &S::failure_threshold),
                         F("terminationGracePeriod", &S::termination_grace_period));
}
constexpr auto FieldsOf(const kube::RestartRule*) {
  using S = kube::RestartRule;
  return std::make_tuple(F("action", &S::action), F("exitCodesOperator", &S::exit_codes_op),
                         F("exitCodes", &S::exit_codes));
}
constexpr auto FieldsOf(const PortPlan*) {
  using S = PortPlan;
  return std::make_tuple(F("name", &S::name), F("protocol", &S::protocol), F("hostIP", &S::host_ip),
                         F("containerPort", &S::container_port), F("hostPort", &S::host_port));
}
constexpr auto FieldsOf(const FilePlan*) {
  using S = FilePlan;
  return std::make_tuple(F("path", &S::path), F("content", &S::content), F("mode", &S::mode));
}
constexpr auto FieldsOf(const TokenPlan*) {
  using S = TokenPlan;
  return std::make_tuple(F("account", &S::account), F("audience", &S::audience),
                         F("path", &S::path), F("expirationSeconds", &S::expiration_seconds),
                         F("mode", &S::mode), F("owner", &S::owner));
}
constexpr auto FieldsOf(const ProjectionPlan*) {
  using S = ProjectionPlan;
  return std::make_tuple(F("configMap", &S::config_map), F("secret", &S::secret),
                         F("files", &S::files), F("token", &S::token));
}
constexpr auto FieldsOf(const Blocked*) {
  using S = Blocked;
  return std::make_tuple(F("reason", &S::reason), F("message", &S::message), F("image", &S::image));
}
constexpr auto FieldsOf(const VolumePlan*) {
  using S = VolumePlan;
  return std::make_tuple(F("name", &S::name), F("kind", &S::kind), F("source", &S::source),
                         F("hostPathType", &S::host_path_type), F("sizeLimit", &S::size_limit),
                         F("sizeLimitText", &S::size_limit_text), F("readOnly", &S::read_only),
                         F("hugePageBytes", &S::huge_page_bytes), F("blockBytes", &S::block_bytes),
                         F("keyed", &S::keyed), F("projections", &S::projections),
                         F("imageID", &S::image_id), F("pullPolicy", &S::pull_policy),
                         F("layers", &S::layers), F("blocked", &S::blocked));
}
constexpr auto FieldsOf(const MountPlan*) {
  using S = MountPlan;
  return std::make_tuple(F("volume", &S::volume), F("path", &S::path), F("subPath", &S::sub_path),
                         F("propagation", &S::propagation), F("readOnly", &S::read_only),
                         F("recursiveReadOnly", &S::recursive_read_only),
                         F("relabel", &S::relabel));
}
constexpr auto FieldsOf(const DevicePlan*) {
  using S = DevicePlan;
  return std::make_tuple(F("volume", &S::volume), F("path", &S::path));
}
constexpr auto FieldsOf(const EnvFilePlan*) {
  using S = EnvFilePlan;
  return std::make_tuple(F("name", &S::name), F("volume", &S::volume), F("path", &S::path),
                         F("key", &S::key), F("optional", &S::optional));
}
constexpr auto FieldsOf(const ContainerPlan*) {
  using S = ContainerPlan;
  return std::make_tuple(
      F("name", &S::name), F("image", &S::image), F("imageID", &S::image_id),
      F("imagePullPolicy", &S::image_pull_policy), F("layers", &S::layers), F("argv", &S::argv),
      F("env", &S::env), F("envFiles", &S::env_files), F("cwd", &S::cwd), F("uid", &S::uid),
      F("gid", &S::gid), F("groups", &S::groups), F("tty", &S::tty), F("stdin", &S::stdin_open),
      F("stdinOnce", &S::stdin_once), F("privileged", &S::privileged),
      F("readOnlyRoot", &S::read_only_root), F("noNewPrivileges", &S::no_new_privileges),
      F("unmaskedProc", &S::unmasked_proc), F("capabilities", &S::capabilities),
      F("seccomp", &S::seccomp), F("appArmor", &S::apparmor), F("selinuxLabel", &S::selinux_label),
      F("fileLabel", &S::file_label), F("mounts", &S::mounts), F("devices", &S::devices),
      F("ports", &S::ports), F("memoryLimit", &S::memory_limit),
      F("cpuMilliLimit", &S::cpu_milli_limit), F("cpuMilliRequest", &S::cpu_milli_request),
      F("memoryRequest", &S::memory_request), F("hugepages", &S::hugepages),
      F("pidsLimit", &S::pids_limit), F("cpusetCpus", &S::cpuset_cpus),
      F("cpusetMems", &S::cpuset_mems), F("ulimits", &S::ulimits),
      F("storageLimit", &S::storage_limit), F("restartOnCPU", &S::restart_on_cpu),
      F("restartOnMemory", &S::restart_on_memory), F("stopSignal", &S::stop_signal),
      F("restartPolicy", &S::restart_policy), F("restartRules", &S::restart_rules),
      F("sidecar", &S::sidecar), F("startupProbe", &S::startup_probe),
      F("readinessProbe", &S::readiness_probe), F("livenessProbe", &S::liveness_probe),
      F("postStart", &S::post_start), F("preStop", &S::pre_stop),
      F("terminationMessagePath", &S::termination_message_path),
      F("terminationMessagePolicy", &S::termination_message_policy), F("blocked", &S::blocked));
}
constexpr auto FieldsOf(const DefaultResource*) {
  using S = DefaultResource;
  return std::make_tuple(F("name", &S::name), F("quantity", &S::quantity), F("limit", &S::limit));
}
constexpr auto FieldsOf(const PodResources*) {
  using S = PodResources;
  return std::make_tuple(
      F("cpuMilliRequest", &S::cpu_milli_request), F("cpuMilliLimit", &S::cpu_milli_limit),
      F("memoryRequest", &S::memory_request), F("memoryLimit", &S::memory_limit));
}
constexpr auto FieldsOf(const Plan*) {
  using S = Plan;
  return std::make_tuple(
      F("namespace", &S::ns), F("name", &S::name), F("uid", &S::uid), F("labels", &S::labels),
      F("annotations", &S::annotations), F("ownerKind", &S::owner_kind),
      F("ownerName", &S::owner_name), F("hash", &S::hash), F("createdNanos", &S::created_nanos),
      F("restartPolicy", &S::restart_policy), F("graceSeconds", &S::grace_seconds),
      F("activeDeadlineSeconds", &S::active_deadline_seconds), F("resources", &S::resources),
      F("defaultResources", &S::default_resources), F("qosClass", &S::qos_class),
      F("hostname", &S::hostname), F("fqdn", &S::fqdn), F("specHostname", &S::spec_hostname),
      F("subdomain", &S::subdomain), F("serviceLinks", &S::service_links),
      F("hostAliases", &S::host_aliases), F("dnsPolicy", &S::dns_policy),
      F("dnsConfig", &S::dns_config), F("network", &S::network), F("hostPID", &S::host_pid),
      F("hostIPC", &S::host_ipc), F("sharePID", &S::share_pid), F("hostUsers", &S::host_users),
      F("sysctls", &S::sysctls), F("fsGroup", &S::fs_group),
      F("fsGroupChangePolicy", &S::fs_group_change_policy),
      F("imagePullSecrets", &S::image_pull_secrets), F("blocked", &S::blocked),
      F("volumes", &S::volumes), F("initContainers", &S::init_containers),
      F("containers", &S::containers));
}

}  // namespace kpod::pods
