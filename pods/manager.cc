#include "pods/manager.h"

#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "network/network.h"
#include "pods/nursery.h"
#include "pods/pod_files.h"
#include "pods/reconciler.h"
#include "pods/repair.h"
#include "pods/services.h"
#include "pods/stop_pods.h"

namespace kpod::pods {

Manager::Manager(store::Paths paths) : paths_(std::move(paths)) {}

Status Manager::StartPod(const PodRecord& pod) {
  store::ObjectStore store(paths_);
  FileLock lock = TRY(store.LockNamespace(pod.plan.ns));
  TRY(RepairPods(paths_, {pod.plan.ns}));
  PodRecord now = TRY(FindPod(paths_, pod.plan.ns, pod.plan.name));
  if (!now.plan_damage.empty()) return Error(now.plan_damage);
  if (now.alive) return OkStatus();
  TRY(MakeDirs(paths_.PodRun(pod.plan.ns, pod.plan.name), 0700));
  StartingPod starting = TRY(Nursery(paths_).Spawn(pod.plan.ns, pod.plan.name, false));
  TRY(WaitReady(starting));
  return SyncServices(paths_, pod.plan.ns);
}

Status Manager::StopPods(const std::vector<PodRecord>& pods, std::optional<int64_t> grace_seconds) {
  TRY(pods::StopPods(paths_, pods, grace_seconds));
  return CollectNetworkGarbage(paths_);
}

Status Manager::RestartPod(const PodRecord& pod, std::optional<int64_t> grace_seconds) {
  TRY(pods::StopPods(paths_, {pod}, grace_seconds));
  return StartPod(pod);
}

Status Manager::RemovePod(const PodRecord& pod, bool force, std::optional<int64_t> grace_seconds) {
  store::ObjectStore store(paths_);
  FileLock lock = TRY(store.LockNamespace(pod.plan.ns));
  TRY(RepairPods(paths_, {pod.plan.ns}));
  Result<PodRecord> now = FindPod(paths_, pod.plan.ns, pod.plan.name);
  if (now && now->alive && !force) {
    return Error("it is running: stop it first, or use --force");
  }
  if (pod.plan.owner_kind.empty()) TRY(store.Delete(pod.plan.ns, "Pod", pod.plan.name));
  if (now) TRY(StopAndRemovePods(paths_, {*now}, grace_seconds));
  if (!pod.plan.owner_kind.empty()) {
    ReconcileOptions options;
    TRY(ReconcileNamespace(paths_, pod.plan.ns, options));
  }
  return CollectNetworkGarbage(paths_);
}

Status Manager::Reconcile(const std::string& ns) {
  store::ObjectStore store(paths_);
  FileLock lock = TRY(store.LockNamespace(ns));
  ReconcileOptions options;
  options.lookups.pull = false;
  TRY(ReconcileNamespace(paths_, ns, options));
  return OkStatus();
}

Status Manager::Repair() { return RepairPods(paths_); }

}  // namespace kpod::pods
