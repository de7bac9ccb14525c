// Observed state of one pod, in the shape of Kubernetes' PodStatus (status.json). Written by its
// supervisor only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

struct Waiting {
  std::string reason,
      message;  // ContainerCreating, CrashLoopBackOff, CreateContainerConfigError, ErrImagePull ...
};
struct Running {
  int64_t started_nanos = 0;
};
struct Terminated {
  int exit_code = 0, signal = 0;
  std::string reason, message;  // Completed, Error, OOMKilled, ContainerCannotRun, StartError
  int64_t started_nanos = 0, finished_nanos = 0;
};

// Exactly one of the three is set, as in ContainerState of core/v1.
struct ContainerState {
  std::optional<Waiting> waiting;
  std::optional<Running> running;
  std::optional<Terminated> terminated;
};

struct ContainerStatus {
  std::string name, image, image_id;
  ContainerState state, last_state;
  int restart_count = 0;
  bool ready = false, started = false;
  int pid = 0;                         // host pid while running; kpod's own addition, as is:
  std::string container_id;            // "kpod://<64 hex>"
  bool init = false, sidecar = false;  // by the plan
};

// Of core/v1's PodCondition what one machine can tell.
struct Condition {
  std::string type;  // PodScheduled PodReadyToStartContainers Initialized ContainersReady Ready
  bool status = false;
  int64_t transition_nanos = 0;
  std::string reason = {}, message = {};
};

struct PodStatus {
  std::string phase = "Pending";  // Pending Running Succeeded Failed Unknown
  std::string reason, message;
  std::string pod_ip, host_ip;
  int64_t start_nanos = 0;
  int supervisor_pid = 0;
  bool stopped = false;      // by kpod stop: not to be started by itself
  bool initialized = false;  // see pod_phase.h; kept as the condition Initialized
  std::vector<Condition> conditions;
  std::string qos_class;  // Guaranteed Burstable BestEffort
  std::vector<ContainerStatus> init_containers, containers;
  std::vector<ContainerStatus> ephemeral_containers;  // of kpod debug; since the pod's start

  bool IsReady() const;  // its condition Ready
};

Json ToJson(const PodStatus& status);
Result<PodStatus> PodStatusFromJson(const Json& j);
// Of a pod's directory; an error with code() ENOENT when there is none.
Result<PodStatus> ReadStatus(const std::string& directory);

// One pod as seen on disk; reading takes no lock.
struct PodRecord {
  Plan plan;
  PodStatus status;
  bool alive = false;  // its supervisor holds the flock
  bool lost = false;  // said to be running, but no supervisor: the next command that takes the lock
                      // repairs it
  // A sentence when plan.json cannot be read, by a power cut or by somebody who wrote into it. Of
  // the plan there are only namespace and name then.
  std::string plan_damage;
  std::string directory;

  // The word kubectl prints under STATUS: Running, Completed, Error, CrashLoopBackOff,
  // CreateContainerConfigError, Init:0/1, Terminating ...; "Stopped" after kpod stop, "Created"
  // with --start=false, "Lost", "Damaged".
  std::string StatusWord() const;
  int ReadyCount() const;
  int ContainerCount() const;  // those that are to be ready: the sidecars and the containers
  std::vector<const ContainerStatus*> Containers() const;  // init first, ephemeral last
  int Restarts() const;
};

Result<std::vector<PodRecord>> ListPods(
    const store::Paths& paths);  // all namespaces, by namespace and name
// `name` may be "name", "ns/name"; with no such pod an error with code() ENOENT: pod "x" not found.
Result<PodRecord> FindPod(const store::Paths& paths, const std::string& ns,
                          const std::string& name);
// Log file of the container's current (or with `previous` the one before) run; while it waits for
// its restart, the run that ended is both, as the kubelet has it. Rotated parts are
// "<path>.1" (newest of them) upwards. CRI format: "<RFC3339Nano> stdout|stderr F|P <text>".
std::string LogPath(const PodRecord& pod, const ContainerStatus& container, bool previous);
std::string LogFile(const std::string& pod_directory, const std::string& container, int run);
// The container's cgroup path for runtime::Cgroup::At, and the pod's.
std::string CgroupPath(const store::Paths& paths, const std::string& pod_id,
                       const std::string& container = "");

}  // namespace kpod::pods
