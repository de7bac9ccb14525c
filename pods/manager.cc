#include "pods/manager.h"

#include <unistd.h>

#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/network.h"
#include "pods/control.h"
#include "pods/events.h"
#include "pods/pod_files.h"
#include "pods/reconciler.h"
#include "pods/services.h"

namespace kpod::pods {

Manager::Manager(store::Paths paths) : paths_(std::move(paths)) {}

Status Manager::StartPod(const PodRecord& pod) {
  TRY(Repair());
  if (pod.alive) return OkStatus();
  store::ObjectStore store(paths_);
  FileLock lock = TRY(store.LockNamespace(pod.plan.ns));
  TRY(MakeDirs(paths_.PodRun(pod.plan.ns, pod.plan.name), 0700));
  StartingPod starting = TRY(SpawnSupervisor(paths_, pod.plan.ns, pod.plan.name));
  TRY(WaitReady(starting));
  return SyncServices(paths_, pod.plan.ns);
}

Status Manager::StopPods(const std::vector<PodRecord>& pods, std::optional<int64_t> grace_seconds) {
  TRY(pods::StopPods(paths_, pods, grace_seconds));
  return CollectNetworkGarbage(paths_);
}

Status Manager::RestartPod(const PodRecord& pod, std::optional<int64_t> grace_seconds) {
  TRY(pods::StopPods(paths_, {pod}, grace_seconds));
  PodRecord now = TRY(FindPod(paths_, pod.plan.ns, pod.plan.name));
  return StartPod(now);
}

Status Manager::RemovePod(const PodRecord& pod, bool force, std::optional<int64_t> grace_seconds) {
  if (pod.alive && !force) {
    return Error("it is running: stop it first, or use --force");
  }
  store::ObjectStore store(paths_);
  FileLock lock = TRY(store.LockNamespace(pod.plan.ns));
  if (pod.plan.owner_kind.empty()) TRY(store.Delete(pod.plan.ns, "Pod", pod.plan.name));
  TRY(StopAndRemovePods(paths_, {pod}, grace_seconds));
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

namespace {

void EndLost(ContainerStatus* c) {
  c->pid = 0;
  bool completed = c->init && c->state.terminated;
  c->started = false;
  c->ready = completed && c->ready;
  if (!c->state.running) return;
  Terminated t;
  t.exit_code = 137;
  t.signal = 9;
  t.reason = "Error";
  t.started_nanos = c->state.running->started_nanos;
  t.finished_nanos = NowNanos();
  c->state = ContainerState{};
  c->state.terminated = t;
}

// One pod's directory as a crash may have left it. True when something was mended. The caller holds
// the namespace's lock, so no command is at work on it.
Result<bool> MendPod(const store::Paths& paths, const std::string& ns, const std::string& name) {
  std::string dir = paths.Pod(ns, name);
  if (!FileLock::IsFree(paths.Alive(ns, name))) return false;
  Result<PodRecord> record = FindPod(paths, ns, name);
  bool half_made = !record || !Exists(dir + "/status.json");
  if (half_made) {
    // The command died before the pod was up: the pod was never there.
    Status s = RemovePodFiles(paths, ns, name);
    if (!s && s.error().code() == EWOULDBLOCK) return false;
    TRY(std::move(s));
    return true;
  }
  PodStatus& status = record->status;
  if (status.supervisor_pid == 0) return false;
  FileLock lock = TRY(FileLock::TryAcquire(paths.Alive(ns, name)));
  TRY(ReleasePod(paths, ns, name));
  status.supervisor_pid = 0;
  status.phase = "Failed";
  status.reason = "Lost";
  status.message = "The pod's supervisor died; its containers were ended.";
  for (auto* list : {&status.init_containers, &status.containers}) {
    for (ContainerStatus& c : *list) EndLost(&c);
  }
  TRY(WriteFileAtomic(dir + "/status.json", Dump(ToJson(status), 1)));
  Event e;
  e.type = "Warning";
  e.reason = "Lost";
  e.ns = ns;
  e.name = name;
  e.message = status.message;
  Emit(paths, e);
  return true;
}

}  // namespace

Status Manager::Repair() {
  std::set<std::string> ids;
  for (const std::string& dir : {paths_.Pods(), paths_.run + "/pods"}) {
    for (std::string& id : TRY(ListDir(dir))) ids.insert(std::move(id));
  }
  bool mended = false;
  for (const std::string& id : ids) {
    size_t at = id.find('_');
    if (at == std::string::npos) continue;
    std::string ns = id.substr(0, at);
    std::string name = id.substr(at + 1);
    // Cheap look first: a living pod, or one that ended well, needs no lock.
    if (!FileLock::IsFree(paths_.Alive(ns, name))) continue;
    Result<FileLock> lock = store::ObjectStore(paths_).TryLockNamespace(ns);
    if (!lock) continue;  // a command is at work there
    mended = TRY(MendPod(paths_, ns, name).Context("repair pod " + name)) || mended;
  }
  if (!mended) return network::Mend(paths_);
  return CollectNetworkGarbage(paths_);
}

}  // namespace kpod::pods
