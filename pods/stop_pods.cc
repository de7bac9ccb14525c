#include "pods/stop_pods.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/network.h"
#include "pods/control.h"
#include "pods/pod_files.h"
#include "pods/services.h"
#include "runtime/cgroup.h"

namespace kpod::pods {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr useconds_t kPause = 500;

// One life of a pod's supervisor: should it begin another meanwhile, that is not waited for.
struct Stopping {
  const PodRecord* pod = nullptr;
  Fd alive;    // its lock
  Fd control;  // answers when all is released
};

// A supervisor has its lock a moment before it listens. Without `control`: it has ended.
Status Ask(const store::Paths& paths, const Json& request, Stopping* s) {
  const Plan& plan = s->pod->plan;
  int64_t deadline = MonotonicNanos() + 10 * kSecond;
  while (!FileLock::IsFree(s->alive.get())) {
    Result<Fd> fd = ConnectControl(paths.Control(plan.ns, plan.name));
    if (fd && SendWithFds(fd->get(), Dump(request), {})) {
      s->control = std::move(*fd);
      return OkStatus();
    }
    if (MonotonicNanos() > deadline) {
      return Error(StrCat("pod ", plan.name, ": its supervisor does not answer"));
    }
    ::usleep(kPause);
  }
  return OkStatus();
}

}  // namespace

Status StopPods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                std::optional<int64_t> grace_seconds) {
  // All are asked before any is waited for: ten pods take as long as the slowest.
  std::vector<Stopping> asked;
  Json request = {{"op", "stop"}};
  if (grace_seconds) request["grace"] = *grace_seconds;
  for (const PodRecord& p : pods) {
    Result<Fd> alive = Open(paths.Alive(p.plan.ns, p.plan.name), O_RDWR);
    if (!alive) continue;
    Stopping s{&p, std::move(*alive), Fd()};
    TRY(Ask(paths, request, &s));
    asked.push_back(std::move(s));
  }
  for (const Stopping& s : asked) {
    if (s.control) (void)ReceiveWithFds(s.control.get());  // its answer, or its end
    // A supervisor that was killed drops its lock when the last that it forked has gone on.
    while (!FileLock::IsFree(s.alive.get())) ::usleep(kPause);
  }
  return OkStatus();
}

Status StopAndRemovePods(const store::Paths& paths, const std::vector<PodRecord>& pods,
                         std::optional<int64_t> grace_seconds) {
  TRY(StopPods(paths, pods, grace_seconds));
  for (const PodRecord& p : pods) {
    Status removed = RemovePodFiles(paths, p.plan.ns, p.plan.name);
    while (!removed && removed.error().code() == EWOULDBLOCK) {
      // Its supervisor, started by a command that was killed, has come to life just now.
      TRY(StopPods(paths, {p}, grace_seconds));
      removed = RemovePodFiles(paths, p.plan.ns, p.plan.name);
    }
    TRY(std::move(removed));
  }
  return OkStatus();
}

Status CollectNetworkGarbage(const store::Paths& paths) {
  TRY(SyncAllServices(paths));
  TRY(network::CollectGarbage(paths, [&](const std::string& id) {
    size_t bar = id.find('_');
    return bar != std::string::npos &&
           !FileLock::IsFree(paths.Alive(id.substr(0, bar), id.substr(bar + 1)));
  }));
  for (const PodRecord& r : TRY(ListPods(paths))) {
    if (r.alive) return OkStatus();
  }
  // The group above the pods'; a pod that is being made at this moment keeps it, since it is not
  // empty then.
  return runtime::Cgroup::At(Dirname(CgroupPath(paths, "pod"))).Remove();
}

}  // namespace kpod::pods
