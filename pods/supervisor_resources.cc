// What the pod may take: limits that change while it runs (KEP-1287), and the disk, which is
// measured and, when it is too much, ends the pod.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/text.h"
#include "pods/launch.h"
#include "pods/storage.h"
#include "pods/supervisor.h"

namespace kpod::pods {

namespace {

bool SameCpu(const ContainerPlan& a, const ContainerPlan& b) {
  return a.cpu_milli_limit == b.cpu_milli_limit && a.cpu_milli_request == b.cpu_milli_request;
}

bool SameMemory(const ContainerPlan& a, const ContainerPlan& b) {
  return a.memory_limit == b.memory_limit && a.memory_request == b.memory_request;
}

// v1 keeps memory.memsw.limit at or above memory.limit, so that what grows grows there first.
Status Apply(const runtime::Cgroup& group, const runtime::Resources& resources,
             std::vector<std::string>* warnings) {
  if (resources.memory_swap && runtime::CgroupVersion() != "v2") {
    runtime::Resources swap;
    swap.memory_swap = resources.memory_swap;
    std::vector<std::string> below;  // when it shrinks: it goes after the limit, next
    TRY(group.Update(swap, &below));
  }
  return group.Update(resources, warnings);
}

runtime::Resources WithoutDevices(runtime::Resources r) {
  r.devices.clear();
  return r;
}

}  // namespace

void Supervisor::Resize(const Plan& before) {
  std::vector<const ContainerPlan*> was = before.All();
  std::vector<std::string> warnings;
  bool any = false;
  for (size_t i = 0; i < all_.size(); ++i) {
    const ContainerPlan& now = all_[i]->plan();
    any = any || !SameCpu(*was[i], now) || !SameMemory(*was[i], now);
  }
  if (!any) return;
  runtime::Cgroup pod = runtime::Cgroup::At(CgroupPath(paths_, plan_.Id()));
  // A parent must have room before its children grow, and may shrink only after them: its limit is
  // lifted for the moment between.
  runtime::Resources lifted;
  lifted.memory_limit = -1;
  lifted.cpu_quota = -1;
  (void)pod.Update(lifted, &warnings);
  for (size_t i = 0; i < all_.size(); ++i) {
    ContainerLife& life = *all_[i];
    const ContainerPlan& now = life.plan();
    bool cpu = !SameCpu(*was[i], now);
    bool memory = !SameMemory(*was[i], now);
    if ((!cpu && !memory) || life.state() != ContainerLife::State::kRunning) continue;
    if ((cpu && now.restart_on_cpu) || (memory && now.restart_on_memory)) {
      Tell("Normal", "Killing", now.name,
           StrCat("Container ", now.name, " resize requires restart"));
      life.Replace();
      continue;
    }
    warnings.clear();
    Status applied = Apply(runtime::Cgroup::At(CgroupPath(paths_, plan_.Id(), now.name)),
                           WithoutDevices(ResourcesFor(now)), &warnings);
    std::string trouble = !applied ? applied.error().message() : Join(warnings, "; ");
    if (trouble.empty()) {
      Tell("Normal", "ResizeCompleted", now.name,
           StrCat("Container ", now.name, " has new limits"));
    } else {
      Tell("Warning", "ResizeError", now.name, trouble);
    }
  }
  (void)pod.Update(PodResourcesFor(plan_), &warnings);
}

// --- the disk

void Supervisor::ArmStorageCheck() {
  constexpr int64_t kEvery = 10 * Backoff::kSecond;  // the kubelet's monitoring interval
  if (!LimitsStorage(plan_) || ending_) return;
  loop_->After(kEvery, [this] { CheckStorage(); });
}

// Walking through what containers wrote takes as long as they please: in a process of its own,
// which answers with the reason to evict the pod.
void Supervisor::CheckStorage() {
  if (ending_) return;
  Result<Pipe> pipe = MakePipe();
  if (!pipe) return ArmStorageCheck();
  Result<Child> child = Fork([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int answer = pipe->write.get();
    if (answer != 3 && ::dup3(answer, 3, O_CLOEXEC) < 0) return kExitFailure;
    ::close_range(4, ~0U, 0);  // the pod's flock above all: it must end with the supervisor
    std::string reason = EvictionOf(plan_, MeasureStorage(paths_, plan_));
    return ::write(3, reason.data(), reason.size()) < 0 ? kExitFailure : kExitOk;
  });
  if (!child) return ArmStorageCheck();
  storage_check_ = std::move(*child);
  storage_answer_ = std::move(pipe->read);
  (void)loop_->OnReadable(storage_check_.pidfd.get(), [this] {
    loop_->Forget(storage_check_.pidfd.get());
    (void)WaitFor(storage_check_);
    storage_check_ = Child{};
    char reason[4096];
    ssize_t n = ::read(storage_answer_.get(), reason, sizeof(reason));
    storage_answer_.Reset();
    if (n <= 0 || ending_) return ArmStorageCheck();
    std::string message(reason, static_cast<size_t>(n));
    Tell("Warning", "Evicted", "", message);
    Fail("Evicted", message, Backoff::kSecond);
  });
}

}  // namespace kpod::pods
