// Makes desired state so: what the commands call. Everything that runs is a Kubernetes object;
// there is one way in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kube/object.h"
#include "pods/plan.h"
#include "pods/status.h"
#include "store/objects.h"
#include "store/paths.h"

namespace kpod::pods {

struct ApplyOptions {
  bool replace = false;  // remove what is there first
  bool start = true;     // --start=false: pods are made, not started
  bool wait = false;     // --wait: until all containers are ready (or have completed)
  std::string network;   // "": native; host; none
  std::string userns;    // auto: a user namespace a pod; host: none; "": as the manifest says
  std::vector<PortPlan>
      publish;         // --publish, added to the first container that names the container port
  std::string source;  // file, "-", URL: kept with the objects
  // Told as things happen, for progress on a terminal; may be empty.
  std::function<void(const std::string& what, uint64_t done, uint64_t total)> progress;
};

struct ApplyResult {
  struct Entry {
    std::string kind, ns, name;
    std::string action;  // created, configured, unchanged, replaced, removed
  };
  std::vector<Entry> entries;  // objects, then pods
  std::vector<std::string> warnings;
};

class Manager {
 public:
  explicit Manager(store::Paths paths);

  Result<ApplyResult> Apply(const std::vector<kube::Object>& objects, const ApplyOptions& options);
  // The plans that Apply would make, and nothing changed.
  Result<std::vector<Plan>> DryRun(const std::vector<kube::Object>& objects,
                                   const ApplyOptions& options);
  // Removes objects and their pods. PersistentVolumeClaims keep their data unless `force`.
  Result<ApplyResult> Down(const std::vector<kube::Object>& objects, bool force,
                           std::optional<int64_t> grace_seconds);
  // What was played from `source`, or the object(s) of this name ("web", "deployment/web",
  // "ns/web").
  Result<std::vector<kube::Object>> FindPlayed(const std::string& ns,
                                               const std::string& source_or_name);

  Status StartPod(const PodRecord& pod);
  // All at the same time: it takes as long as the slowest.
  Status StopPods(const std::vector<PodRecord>& pods, std::optional<int64_t> grace_seconds);
  Status RestartPod(const PodRecord& pod, std::optional<int64_t> grace_seconds);
  // A pod of a workload comes back (as in a cluster) unless its workload is removed.
  Status RemovePod(const PodRecord& pod, bool force, std::optional<int64_t> grace_seconds);

  // Finds what a crash left (dead supervisors, half-made pods, leases, cgroups) and mends it. Cheap
  // when nothing is wrong. Every command that changes anything calls it first.
  Status Repair();
  // Waiting pods whose missing object or image is there now go on. Called after Apply and after an
  // image arrived.
  Status Reconcile(const std::string& ns);

  struct ExecRequest {
    std::string container;  // "": the default container
    std::vector<std::string> argv;
    bool interactive = false, tty = false;
    std::string user, workdir;
    std::vector<std::string> env;
  };
  // Runs to the end; the exit code is the command's. 126/127 as podman.
  Result<int> Exec(const PodRecord& pod, const ExecRequest& request);

 private:
  store::Paths paths_;
};

}  // namespace kpod::pods
