// The typed form of what kpod carries out, defaulted as the API server does and with nothing
// resolved. Field names are Kubernetes' in snake_case. Optional means "absent is different from the
// zero value". Source: Kubernetes v1.36 API, core/v1 and apps/v1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "kube/quantity.h"
#include "kube/types_volume.h"

namespace kpod::kube {

struct ObjectMeta {
  std::string name, ns, uid, generate_name;
  StringMap labels, annotations;
};

struct LabelSelectorRequirement {
  std::string key, op;  // In NotIn Exists DoesNotExist
  std::vector<std::string> values;
};
struct LabelSelector {
  StringMap match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;
  bool Matches(const StringMap& labels) const;  // an empty selector matches everything
};
// The command line's form: "a=b,c!=d,e in (x,y),!f".
Result<LabelSelector> ParseSelector(std::string_view text);

struct KeyRef {  // configMapKeyRef, secretKeyRef
  std::string name, key;
  bool optional = false;
};
struct FileKeyRef {  // a key of an env file in an emptyDir volume
  std::string volume_name, path, key;
  bool optional = false;
};
struct EnvVar {
  std::string name, value;
  std::optional<KeyRef> config_map, secret;
  std::optional<FieldRef> field;
  std::optional<ResourceFieldRef> resource;
  std::optional<FileKeyRef> file;
};
struct EnvFrom {
  std::string prefix;
  std::optional<KeyRef> config_map, secret;  // key unused
};
struct ContainerPort {
  std::string name, protocol = "TCP", host_ip;
  int container_port = 0, host_port = 0;  // host_port 0: none
};
using ResourceList = std::map<std::string, Quantity>;
struct Capabilities {
  std::vector<std::string> add, drop;  // without CAP_; "ALL"
};
struct SeccompProfile {
  std::string type;  // RuntimeDefault, Localhost, Unconfined
  std::string localhost_profile;
};
// The form before 1.30 is an annotation "PREFIX/CONTAINER": runtime/default, unconfined or
// localhost/NAME.
constexpr std::string_view kAppArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";
struct AppArmorProfile {
  std::string type;  // RuntimeDefault, Localhost, Unconfined
  std::string localhost_profile;
};
struct SelinuxOptions {
  std::string user, role, type, level;
};
struct SecurityContext {
  std::optional<int64_t> run_as_user, run_as_group;
  std::optional<bool> run_as_non_root, read_only_root_filesystem, privileged,
      allow_privilege_escalation;
  std::optional<Capabilities> capabilities;
  std::optional<SeccompProfile> seccomp_profile;
  std::optional<AppArmorProfile> apparmor_profile;
  std::optional<SelinuxOptions> selinux_options;
  std::string proc_mount;
};
struct PodSecurityContext {
  std::optional<int64_t> run_as_user, run_as_group, fs_group;
  std::optional<bool> run_as_non_root;
  std::vector<int64_t> supplemental_groups;
  std::string supplemental_groups_policy;  // Merge Strict
  std::optional<SeccompProfile> seccomp_profile;
  std::optional<AppArmorProfile> apparmor_profile;
  std::optional<SelinuxOptions> selinux_options;
  std::string fs_group_change_policy;
  std::vector<std::pair<std::string, std::string>> sysctls;
};
struct ResourceRequirements {
  ResourceList limits, requests;
};
// A port by number, or by the name of a port of the container ("": by number).
struct PortRef {
  int number = 0;
  std::string name;
};
struct HttpGetAction {
  std::string path = "/", host, scheme = "HTTP";  // or HTTPS
  PortRef port;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct TcpSocketAction {
  std::string host;
  PortRef port;
};
struct GrpcAction {
  int port = 0;
  std::string service;
};
// What a probe or a hook does: exactly one is set. Probes do not sleep, hooks do not speak gRPC.
struct Handler {
  std::optional<std::vector<std::string>> exec;
  std::optional<HttpGetAction> http_get;
  std::optional<TcpSocketAction> tcp_socket;
  std::optional<GrpcAction> grpc;
  std::optional<int64_t> sleep_seconds;
};
struct Probe {  // times in seconds
  Handler handler;
  int initial_delay = 0, period = 10, timeout = 1, success_threshold = 1, failure_threshold = 3;
  std::optional<int64_t> termination_grace_period;
};
struct Lifecycle {
  std::optional<Handler> post_start, pre_stop;
  std::string stop_signal;  // "SIGUSR1"
};
struct RestartRule {          // restartPolicyRules: the first that matches the exit code decides
  std::string action;         // Restart, RestartAllContainers
  std::string exit_codes_op;  // In, NotIn
  std::vector<int> exit_codes;
};
struct ResizePolicy {
  std::string resource;        // cpu, memory
  std::string restart_policy;  // NotRequired, RestartContainer
};
struct Ulimit {      // setrlimit(2); -1: none
  std::string name;  // "nofile"
  int64_t soft = 0, hard = 0;
};
struct Container {
  std::string name, image,
      image_pull_policy;  // defaulted: Always for :latest or no tag, else IfNotPresent
  std::vector<std::string> command, args;
  bool has_command = false, has_args = false;
  std::string working_dir;
  std::vector<ContainerPort> ports;
  std::vector<EnvVar> env;
  std::vector<EnvFrom> env_from;
  std::vector<VolumeMount> volume_mounts;
  ResourceRequirements resources;
  SecurityContext security_context;
  // "": the pod's. "Always" makes an init container a sidecar.
  std::string restart_policy;
  std::vector<RestartRule> restart_rules;
  std::optional<Probe> startup_probe, readiness_probe, liveness_probe;
  Lifecycle lifecycle;
  std::vector<ResizePolicy> resize_policies;
  std::vector<VolumeDevice> volume_devices;
  std::string termination_message_path = "/dev/termination-log",
              termination_message_policy = "File";
  bool stdin_open = false, stdin_once = false, tty = false;
  // What no field of Kubernetes says (kube/podman.h).
  std::vector<Ulimit> ulimits;
  std::optional<int64_t> pids_limit;
  std::string cpuset_cpus, cpuset_mems;
};
struct HostAlias {
  std::string ip;
  std::vector<std::string> hostnames;
};
struct DnsConfig {
  std::vector<std::string> nameservers, searches;
  std::vector<std::pair<std::string, std::string>> options;
};
struct PodSpec {
  std::vector<Container> init_containers, containers;
  std::vector<Volume> volumes;
  std::string restart_policy = "Always";  // Always, OnFailure, Never
  int64_t termination_grace_period_seconds = 30;
  std::optional<int64_t> active_deadline_seconds;
  std::string dns_policy = "ClusterFirst", hostname, subdomain;
  std::optional<bool> set_hostname_as_fqdn;
  std::string hostname_override;
  DnsConfig dns_config;
  bool host_network = false, host_pid = false, host_ipc = false, share_process_namespace = false;
  ResourceRequirements resources;  // of the pod as a whole
  std::string priority_class_name;
  bool host_users = true, enable_service_links = true;
  PodSecurityContext security_context;
  std::vector<HostAlias> host_aliases;
  std::vector<std::string> image_pull_secrets;
  std::string service_account_name = "default";
};
struct Pod {
  ObjectMeta metadata;
  PodSpec spec;
};
struct PodTemplate {
  ObjectMeta metadata;
  PodSpec spec;
};
struct Deployment {
  ObjectMeta metadata;
  int replicas = 1;
  LabelSelector selector;
  PodTemplate pod_template;
  bool paused = false;
  std::string strategy = "RollingUpdate";  // or Recreate
  std::string max_surge = "25%", max_unavailable = "25%";
  int min_ready_seconds = 0, revision_history_limit = 10, progress_deadline_seconds = 600;
};
struct ConfigMap {
  ObjectMeta metadata;
  StringMap data;         // UTF-8
  StringMap binary_data;  // decoded bytes
  bool immutable = false;
};
struct Secret {
  ObjectMeta metadata;
  std::string type = "Opaque";
  StringMap data;  // decoded; stringData merged over it
  bool immutable = false;
};
struct LimitRangeItem {
  std::string type;  // Container, Pod, PersistentVolumeClaim
  ResourceList max, min, default_limit, default_request, max_ratio;
};
struct LimitRange {
  ObjectMeta metadata;
  std::vector<LimitRangeItem> items;
};
struct ScopeRequirement {
  std::string scope, op;  // Terminating NotTerminating BestEffort NotBestEffort PriorityClass ...
  std::vector<std::string> values;
};
struct ResourceQuota {
  ObjectMeta metadata;
  ResourceList hard;
  std::vector<ScopeRequirement> scopes;  // of scopes and scopeSelector; all must match
};
struct PersistentVolumeClaim {
  ObjectMeta metadata;
  ClaimSpec spec;
};
// What a claim can be bound to that this machine has: a path of its own.
struct PersistentVolume {
  ObjectMeta metadata;
  std::vector<std::string> access_modes;
  std::string storage_class;  // "": of no class
  std::optional<Quantity> storage;
  std::string volume_mode = "Filesystem";  // or Block
  // Of hostPath, or of local (which must be there: type "" and must_exist).
  HostPath host_path;
  bool must_exist = false;
  std::string claim_ns, claim_name;  // claimRef: the one claim that it is kept for
  std::string unsupported;           // the source's name ("nfs") when kpod does not carry it out
};

}  // namespace kpod::kube
