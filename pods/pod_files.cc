#include "pods/pod_files.h"

#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "network/network.h"
#include "pods/payload.h"
#include "pods/status.h"
#include "pods/volumes.h"
#include "runtime/cgroup.h"

namespace kpod::pods {

namespace {

Status PreparePayload(const store::Paths& paths, const Lookups& lookups, const Plan& plan,
                      const VolumePlan& v) {
  auto no_token = [](const TokenPlan&) -> Result<std::string> { return std::string(); };
  std::optional<std::vector<PayloadFile>> files = TRY(PayloadOf(lookups, v, no_token));
  // Without its object the plan is blocked already, in better words. Secrets are the supervisor's
  // to write; that it can be done is seen here.
  if (!files || IsSecretPayload(v)) return OkStatus();
  return WritePayload(VolumePath(paths, plan, v), *files, plan.fs_group);
}

void PrepareVolumes(const store::Paths& paths, const Lookups& lookups, Plan* plan) {
  for (const VolumePlan& v : plan->volumes) {
    bool claim = v.kind == VolumePlan::Kind::kClaim;
    if (claim && !lookups.claim(v.source)) continue;  // nobody asked for a place to keep it
    Status s = PrepareVolume(paths, *plan, v);
    if (s && IsPayload(v)) s = PreparePayload(paths, lookups, *plan, v);
    if (s || !plan->blocked.reason.empty()) continue;
    plan->blocked = {"CreateContainerConfigError",
                     StrCat(MountFailure(v), ": ", s.error().message())};
  }
}

}  // namespace

namespace {

// What is left of containers' roots where no supervisor was able to remove them.
Status RemoveLayers(const std::string& pod_directory) {
  for (const std::string& entry : TRY(ListDir(pod_directory))) {
    if (entry.ends_with(".upper") || entry.ends_with(".work"))
      TRY(RemoveAll(JoinPath(pod_directory, entry)));
  }
  return OkStatus();
}

}  // namespace

Status RewritePod(const store::Paths& paths, const Lookups& lookups, Plan* plan) {
  PrepareVolumes(paths, lookups, plan);
  // Of a command that was killed: this one holds the namespace's lock.
  SweepTemps(paths.Pod(plan->ns, plan->name), "plan.json");
  return WriteFileAtomic(paths.Pod(plan->ns, plan->name) + "/plan.json", Dump(ToJson(*plan), 1));
}

Status WritePod(const store::Paths& paths, const Lookups& lookups, Plan* plan) {
  std::string dir = paths.Pod(plan->ns, plan->name);
  TRY(MakeDirs(dir, 0700));
  TRY(MakeDirs(paths.PodRun(plan->ns, plan->name), 0700));
  if (!plan->volumes.empty()) TRY(MakeDir(dir + "/volumes", 0700));
  return RewritePod(paths, lookups, plan);
}

Status ReleasePod(const store::Paths& paths, const std::string& ns, const std::string& name) {
  std::string id = StrCat(ns, "_", name);
  runtime::Cgroup group = runtime::Cgroup::At(CgroupPath(paths, id));
  TRY(group.Kill());
  TRY(group.Remove());
  TRY(network::Detach(paths, id));
  ::unlink(paths.Control(ns, name).c_str());
  return RemoveLayers(paths.Pod(ns, name));
}

Status RemovePodFiles(const store::Paths& paths, const std::string& ns, const std::string& name) {
  TRY(MakeDirs(paths.PodRun(ns, name), 0700));
  FileLock lock = TRY(FileLock::TryAcquire(paths.Alive(ns, name)).Context("pod " + name));
  TRY(ReleasePod(paths, ns, name));
  std::string dir = paths.Pod(ns, name);
  if (::unlink((dir + "/plan.json").c_str()) < 0 && errno != ENOENT)
    return Error::Errno("remove " + dir + "/plan.json");
  TRY(RemoveAll(dir));
  return RemoveAll(paths.PodRun(ns, name));
}

}  // namespace kpod::pods
