#include "pods/repair.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/network.h"
#include "pods/events.h"
#include "pods/pod_files.h"
#include "pods/status.h"
#include "pods/stop_pods.h"
#include "store/objects.h"

namespace kpod::pods {

namespace {

struct Id {
  std::string ns, name;
};

void EndContainer(ContainerStatus* c) {
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

// The status of a pod whose supervisor ended without a last word.
PodStatus LostStatus(PodStatus status, bool restarted) {
  status.supervisor_pid = 0;
  status.pod_ip.clear();
  status.phase = "Failed";
  for (auto* list : {&status.init_containers, &status.containers}) {
    for (ContainerStatus& c : *list) EndContainer(&c);
  }
  if (status.stopped) return status;  // as it was meant to end
  status.reason = "Lost";
  status.message = restarted ? "The machine restarted while the pod ran."
                             : "The pod's supervisor died; its containers were ended.";
  return status;
}

void Tell(const store::Paths& paths, const Id& id, const std::string& message) {
  Event e;
  e.type = "Warning";
  e.reason = "Lost";
  e.ns = id.ns;
  e.name = id.name;
  e.message = message;
  Emit(paths, e);
}

// "Busy": its supervisor has just come to life.
bool IsBusy(const Error& e) { return e.code() == EWOULDBLOCK; }

Result<bool> MendLost(const store::Paths& paths, const Id& id) {
  // Its run directory went with the machine, or somebody removed it.
  bool restarted = !Exists(paths.Alive(id.ns, id.name));
  TRY(MakeDirs(paths.PodRun(id.ns, id.name), 0700));
  Result<FileLock> lock = FileLock::TryAcquire(paths.Alive(id.ns, id.name));
  if (!lock && IsBusy(lock.error())) return false;
  TRY(std::move(lock));
  std::string dir = paths.Pod(id.ns, id.name);
  Result<PodStatus> said = ReadStatus(dir);
  if (said && said->supervisor_pid == 0) return false;  // it has ended well meanwhile
  TRY(ReleasePod(paths, id.ns, id.name));
  SweepTemps(dir);
  PodStatus status = LostStatus(std::move(said).value_or(PodStatus{}), restarted);
  TRY(WriteFileAtomic(dir + "/status.json", Dump(ToJson(status), 1)));
  if (status.reason == "Lost") Tell(paths, id, status.message);
  return true;
}

// One pod's directory as a crash may have left it; the caller holds the namespace's lock, so no
// command is at work on it. True when something was mended.
Result<bool> MendPod(const store::Paths& paths, const Id& id) {
  if (!FileLock::IsFree(paths.Alive(id.ns, id.name))) return false;
  std::string dir = paths.Pod(id.ns, id.name);
  if (!Exists(dir + "/plan.json") || !Exists(dir + "/status.json")) {
    // The command died before the pod was up: the pod was never there.
    Status removed = RemovePodFiles(paths, id.ns, id.name);
    if (!removed && IsBusy(removed.error())) return false;
    TRY(std::move(removed));
    return true;
  }
  Result<PodStatus> status = ReadStatus(dir);
  if (status && status->supervisor_pid == 0) return false;
  return MendLost(paths, id);
}

}  // namespace

Status RepairPods(const store::Paths& paths, const std::set<std::string>& held) {
  std::set<std::string> ids;
  for (const std::string& dir : {paths.Pods(), paths.run + "/pods"}) {
    for (std::string& id : TRY(ListDir(dir))) ids.insert(std::move(id));
  }
  bool mended = false;
  for (const std::string& text : ids) {
    size_t at = text.find('_');
    if (at == std::string::npos) continue;
    Id id{text.substr(0, at), text.substr(at + 1)};
    // Cheap look first: a living pod needs no lock.
    if (!FileLock::IsFree(paths.Alive(id.ns, id.name))) continue;
    std::optional<FileLock> lock;
    if (!held.contains(id.ns)) {
      Result<FileLock> free = store::ObjectStore(paths).TryLockNamespace(id.ns);
      if (!free) continue;  // a command is at work there
      lock = std::move(*free);
    }
    mended = TRY(MendPod(paths, id).Context("repair pod " + id.name)) || mended;
  }
  if (!mended) return network::Mend(paths);
  return CollectNetworkGarbage(paths);
}

}  // namespace kpod::pods
