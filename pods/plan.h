// What shall exist for one pod: references resolved, quantities as numbers. Made by MakePlan (pure
// but for the lookups it is given), kept as plan.json (mode 0600: it holds values from Secrets),
// read by the supervisor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/types.h"

namespace kpod::pods {

struct PortPlan {
  std::string name, protocol = "TCP", host_ip;
  int container_port = 0, host_port = 0;
};

struct FilePlan {
  std::string path, content;
  int mode = 0644;
};
struct TokenPlan {  // serviceAccountToken; see account_token.h
  std::string account, audience, path;
  int64_t expiration_seconds = 3600;
  int mode = 0644;
  std::optional<uint32_t> owner;
};
// One source of a projected volume: exactly one member is set.
struct ProjectionPlan {
  std::optional<kube::KeyedVolume> config_map, secret;
  std::vector<FilePlan> files;  // of the downward API
  std::optional<TokenPlan> token;
};

// Why a container cannot start yet, in Kubernetes' words; "" when nothing is in the way.
struct Blocked {
  std::string reason;      // CreateContainerConfigError, ErrImagePull, ImagePullBackOff,
                           // ErrImageNeverPull, InvalidImageName
  std::string message;     // secret "x" not found
  std::string image = {};  // ErrImagePull: which is to be pulled, the container's or a volume's
};

struct VolumePlan {
  enum class Kind {
    kEmptyDir,
    kMemory,
    kHostPath,
    kConfigMap,
    kSecret,
    kClaim,
    kDownward,
    kProjected,
    kEphemeral,  // a claim with the pod's life
    kImage
  };
  std::string name;
  Kind kind = Kind::kEmptyDir;
  std::string source;  // hostPath: the path; claim: claim name; configMap, secret: object name;
                       // image: the reference
  std::string host_path_type;
  int64_t size_limit = 0;  // bytes; 0: none
  std::string size_limit_text;
  std::optional<int64_t> huge_page_bytes;  // memory: of a medium of huge pages; 0: the usual size
  bool read_only = false;
  int64_t block_bytes = 0;                  // claim, ephemeral: of a device (volumeMode Block)
  kube::KeyedVolume keyed;                  // configMap, secret
  std::vector<ProjectionPlan> projections;  // downwardAPI (one), projected
  std::string image_id, pull_policy;        // image
  std::vector<std::string> layers;          // image: top first; empty while it is not here
  Blocked blocked;                          // image: of the containers that mount it
};

struct MountPlan {
  std::string volume, path, sub_path, propagation;
  bool read_only = false;
  bool recursive_read_only = false;  // mounts below it as well
  std::string relabel = {};          // "z", "Z": for SELinux, also of a path of the host
};

// A Service of the pod's namespace, for variables (enableServiceLinks).
struct ServiceLinkPort {
  std::string name, protocol = "tcp";
  int port = 0;
};
struct ServiceLink {
  std::string name, ip;
  std::vector<ServiceLinkPort> ports;
};

struct DevicePlan {  // volumeDevices
  std::string volume, path;
};

// A variable from a key of an env file, read when the container starts; see late_values.h.
struct EnvFilePlan {
  std::string name, volume, path, key;
  bool optional = false;
};

struct ContainerPlan {
  std::string name, image, image_id, image_pull_policy;
  std::vector<std::string> layers;  // top first
  std::vector<std::string> argv, env;
  std::vector<EnvFilePlan> env_files;
  std::string cwd = "/";
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  bool tty = false, stdin_open = false, stdin_once = false;
  bool privileged = false, read_only_root = false, no_new_privileges = false, unmasked_proc = false;
  std::vector<std::string> capabilities;  // effective set, with CAP_
  std::string seccomp;                    // "default", "unconfined", or the path of a profile
  std::string apparmor;                   // name of a loaded profile, or ""
  std::string selinux_label, file_label;  // of its processes, of its files; "": as it comes
  std::vector<MountPlan> mounts;
  std::vector<DevicePlan> devices;
  std::vector<PortPlan> ports;
  std::optional<int64_t> memory_limit, cpu_milli_limit, cpu_milli_request, memory_request;
  std::vector<std::pair<std::string, int64_t>> hugepages;  // "2MB" -> bytes
  std::optional<int64_t> pids_limit;
  std::string cpuset_cpus, cpuset_mems;
  std::vector<kube::Ulimit> ulimits;
  std::optional<int64_t> storage_limit;  // bytes of its writable layer and its logs
  // A change of these wants a new run (resizePolicy RestartContainer).
  bool restart_on_cpu = false, restart_on_memory = false;
  int stop_signal = 15;
  // In force for this container: its own, else the pod's. For an init container "Always" means
  // sidecar.
  std::string restart_policy = "Always";
  std::vector<kube::RestartRule> restart_rules;
  bool sidecar = false;
  // Ports are resolved; one that keeps its name is of no port of the container, and fails when
  // used.
  std::optional<kube::Probe> startup_probe, readiness_probe, liveness_probe;
  std::optional<kube::Handler> post_start, pre_stop;
  std::string termination_message_path, termination_message_policy;
  Blocked blocked;
};

// What LimitRanges gave containers that name no resources, at the time the pod was made.
struct DefaultResource {
  std::string name, quantity;
  bool limit = false;  // else a request
};

// spec.resources: of the pod as a whole.
struct PodResources {
  std::optional<int64_t> cpu_milli_request, cpu_milli_limit, memory_request, memory_limit;
};

struct Plan {
  std::string ns, name, uid;
  kube::StringMap labels, annotations;
  std::string owner_kind, owner_name;  // "Deployment" "web"; "" for a pod of its own
  std::string hash;                    // of everything that, when changed, makes it another pod
  int64_t created_nanos = 0;
  std::string restart_policy = "Always";
  int64_t grace_seconds = 30;
  std::optional<int64_t> active_deadline_seconds;
  PodResources resources;
  std::vector<DefaultResource> default_resources;
  std::string qos_class;                   // Guaranteed Burstable BestEffort
  std::string hostname, fqdn;              // fqdn: hostname.subdomain.ns.svc.cluster.local, or ""
  std::string spec_hostname, subdomain;    // as the spec has them: DNS of a headless Service asks
  std::vector<ServiceLink> service_links;  // those that were there when the plan was made
  std::vector<kube::HostAlias> host_aliases;
  std::string dns_policy = "ClusterFirst";
  kube::DnsConfig dns_config;
  std::string network = "native";  // native, host, none
  bool host_pid = false, host_ipc = false, share_pid = false;
  bool host_users = true;  // else a user namespace of its own; see user_range.h
  std::vector<std::pair<std::string, std::string>> sysctls;
  std::optional<int64_t> fs_group;
  std::string fs_group_change_policy;
  std::vector<std::string> image_pull_secrets;
  Blocked blocked;  // the whole pod waits (ContainerCreating): a volume's object is missing
  std::vector<VolumePlan> volumes;
  std::vector<ContainerPlan> init_containers, containers;

  std::vector<const ContainerPlan*> All() const;  // init containers first
  std::string Id() const { return ns + "_" + name; }
};

Json ToJson(const Plan& plan);
Json ToJson(const ContainerPlan& plan);
Result<ContainerPlan> ContainerPlanFromJson(const Json& j);
Result<Plan> PlanFromJson(const Json& j);

}  // namespace kpod::pods
