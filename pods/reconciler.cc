#include "pods/reconciler.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "pods/admission.h"
#include "pods/control.h"
#include "pods/events.h"
#include "pods/limit_range.h"
#include "pods/nursery.h"
#include "pods/pod_files.h"
#include "pods/services.h"
#include "pods/stop_pods.h"
#include "pods/workloads.h"

namespace kpod::pods {

std::string RandomSuffix() {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string bytes(5, '\0');
  Result<Fd> fd = Open("/dev/urandom", O_RDONLY);
  if (fd && ::read(fd->get(), bytes.data(), bytes.size()) < 0) bytes = "aaaaa";
  for (char& c : bytes) c = kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return bytes;
}

namespace {

std::string NewUid() {
  Result<std::string> uid = ReadFile("/proc/sys/kernel/random/uuid");
  return uid ? std::string(Trim(*uid)) : "";
}

bool Waits(const Plan& plan) {
  std::vector<const ContainerPlan*> all = plan.All();
  return !plan.blocked.reason.empty() ||
         std::any_of(all.begin(), all.end(),
                     [](const ContainerPlan* c) { return !c->blocked.reason.empty(); });
}

// A plan made without pulling knows only that an image is missing; why the last attempt failed is
// what its reader needs, whoever else's news had the plan made again.
void KeepPullErrors(const Plan& before, Plan* now) {
  const auto failed = [](const ContainerPlan& c) {
    return c.blocked.reason == "ErrImagePull" && c.blocked.message.starts_with("failed to pull");
  };
  std::vector<const ContainerPlan*> all = before.All();
  for (auto* list : {&now->init_containers, &now->containers}) {
    for (ContainerPlan& c : *list) {
      if (c.blocked.reason != "ErrImagePull" || failed(c)) continue;
      auto same = [&](const ContainerPlan* old) {
        return old->blocked.image == c.blocked.image && failed(*old);
      };
      auto old = std::find_if(all.begin(), all.end(), same);
      if (old != all.end()) c.blocked.message = (*old)->blocked.message;
    }
  }
}

class Reconciler {
 public:
  Reconciler(const store::Paths& paths, std::string ns, const ReconcileOptions& options)
      : paths_(paths),
        ns_(std::move(ns)),
        options_(options),
        own_nursery_(paths),
        nursery_(options.nursery != nullptr ? *options.nursery : own_nursery_) {
    LookupOptions lookups = options.lookups;
    lookups.warnings = &result_.warnings;
    lookups.events = true;
    lookups_ = MakeLookups(paths_, ns_, lookups);
    // A pod that runs has its images: news of a ConfigMap is no reason to ask a registry.
    lookups.pull = false;
    lookups_of_running_ = MakeLookups(paths_, ns_, lookups);
  }

  Result<ReconcileResult> Run() {
    store::ObjectStore objects(paths_);
    refresh_ = objects.IsUnsettled(ns_);
    std::vector<store::DamagedObject> damaged;
    std::vector<store::StoredObject> stored = TRY(objects.List(ns_, "", &damaged));
    workloads_ = WorkloadsOf(stored);
    admission_.emplace(stored);
    for (const store::DamagedObject& d : damaged) {
      result_.warnings.push_back(
          StrCat(d.kind, " ", d.name, " is damaged, play it again: ", d.why));
      workloads_.push_back(UnknownWorkload(d.kind, d.name));
    }
    TRY(Observe());
    Actions actions = Reconcile(workloads_, observed_, RandomSuffix);
    TRY(Remove(actions.remove_first));
    for (const auto& [name, workload] : actions.keep) {
      const PodRecord& record = records_.at(name);
      if (HasEnded(record.status)) continue;
      // With what it was given by default when it was made, which the object does not say.
      kube::PodSpec spec = workloads_[workload].pod.spec;
      ApplyDefaults({FromDefaults(record.plan.default_resources)}, &spec);
      admission_->Count(name, spec);
    }
    CountStarts(actions);
    Undo undo([this] { RemoveMade(); });
    for (const PodToCreate& c : actions.create) TRY(Create(workloads_[c.workload], c.name));
    for (const auto& [name, workload] : actions.keep)
      TRY(Keep(records_.at(name), workloads_[workload]));
    TRY(AwaitStarting());
    undo.Dismiss();
    // New ones serve before old ones go.
    TRY(SyncServices(paths_, ns_));
    TRY(Remove(actions.remove_after));
    if (!actions.remove_after.empty()) TRY(SyncServices(paths_, ns_));
    TRY(objects.Settle(ns_));
    return std::move(result_);
  }

 private:
  Status Observe() {
    for (PodRecord& r : TRY(ListPods(paths_))) {
      if (r.plan.ns != ns_) continue;
      bool failed = r.status.phase == "Failed" && r.status.reason != "Lost" && !r.status.stopped;
      if (!r.plan_damage.empty()) result_.warnings.push_back(r.plan_damage);
      observed_.push_back({r.plan.name, r.plan.owner_kind, r.plan.owner_name, r.plan.hash, r.alive,
                           failed, r.plan.created_nanos});
      std::string name = r.plan.name;
      records_.emplace(name, std::move(r));
    }
    return OkStatus();
  }

  static bool HasEnded(const PodStatus& s) { return s.phase == "Succeeded" || s.phase == "Failed"; }

  // `uid`: of a pod that there is already.
  Plan MakePlanFor(const Workload& w, const std::string& name, const std::string& uid,
                   const std::vector<DefaultResource>& defaults, const Lookups& lookups) {
    kube::Pod pod = w.pod;
    ApplyDefaults({FromDefaults(defaults)}, &pod.spec);
    pod.metadata.name = name;
    pod.metadata.uid = uid.empty() ? w.pod.metadata.uid : uid;
    if (pod.metadata.uid.empty()) pod.metadata.uid = NewUid();
    Plan plan = MakePlan(pod, lookups);
    plan.default_resources = defaults;
    plan.hash = w.hash;
    if (w.kind != "Pod") {
      plan.owner_kind = w.kind;
      plan.owner_name = w.name;
    }
    return plan;
  }

  Status Create(const Workload& w, const std::string& name) {
    kube::PodSpec spec = w.pod.spec;
    Status admitted = admission_->AdmitPod(name, &spec);
    if (!admitted) {
      if (w.kind == "Pod") return admitted;
      // As the ReplicaSet controller: what the namespace has no room for is told and not made.
      Event e;
      e.type = "Warning";
      e.reason = "FailedCreate";
      e.ns = ns_;
      e.kind = w.kind;
      e.name = w.name;
      e.message = StrCat("Error creating: ", admitted.error().message());
      Emit(paths_, e);
      result_.warnings.push_back(StrCat(ToLower(w.kind), " ", w.name, ": ", e.message));
      return OkStatus();
    }
    admission_->Count(name, spec);
    Plan plan = MakePlanFor(w, name, "", DefaultsOf(admission_->defaults()), lookups_);
    made_.push_back(name);
    TRY(WritePod(paths_, lookups_, &plan).Context("pod " + name));
    result_.created.push_back(name);
    Event e;
    e.reason = "Scheduled";
    e.ns = ns_;
    e.name = name;
    e.message = StrCat("Successfully assigned ", ns_, "/", name, " to this machine");
    Emit(paths_, e);
    if (options_.start) return Spawn(name);
    PodStatus created;
    created.stopped = true;
    created.reason = "Created";
    return WriteFileAtomic(paths_.Pod(ns_, name) + "/status.json", Dump(ToJson(created), 1));
  }

  void CountStarts(const Actions& actions) {
    if (options_.start) starts_ = actions.create.size();
    for (const auto& [name, workload] : actions.keep) starts_ += Revives(records_.at(name)) ? 1 : 0;
  }

  Status Spawn(const std::string& name) {
    bool more = starts_ > 1;
    if (more) --starts_;
    starting_.push_back(TRY(nursery_.Spawn(ns_, name, more).Context("pod " + name)));
    return OkStatus();
  }

  bool Revives(const PodRecord& r) const {
    return !r.alive && options_.start &&
           (r.status.reason == "Lost" || r.status.reason == "Created" ||
            (options_.interrupted && r.status.stopped));
  }

  // A kept pod: goes on when what it waited for is there, follows changes of its objects, is
  // started when it was lost or only created.
  Status Keep(const PodRecord& r, const Workload& w) {
    bool revive = Revives(r);
    bool unknown = r.alive && r.status.phase == "Unknown";  // its supervisor writes it anew
    if (!refresh_ && !Waits(r.plan) && !revive && !unknown) return OkStatus();
    Plan plan = MakePlanFor(w, r.plan.name, r.plan.uid, r.plan.default_resources,
                            revive || Waits(r.plan) ? lookups_ : lookups_of_running_);
    plan.created_nanos = r.plan.created_nanos;
    KeepPullErrors(r.plan, &plan);
    TRY(RewritePod(paths_, lookups_, &plan).Context("pod " + plan.name));
    if (revive) {
      TRY(MakeDirs(paths_.PodRun(ns_, plan.name), 0700));
      return Spawn(plan.name);
    }
    // A supervisor that ends just now needs no news.
    if (r.alive) (void)CallSupervisor(paths_, ns_, plan.name, {{"op", "reload"}});
    return OkStatus();
  }

  Status AwaitStarting() {
    Status first;
    for (const StartingPod& s : starting_) {
      Result<std::vector<std::string>> ready = WaitReady(s);
      if (ready) {
        for (const std::string& w : *ready)
          result_.warnings.push_back(StrCat("pod ", s.name, ": ", w));
      } else if (first.ok()) {
        first = std::move(ready.error());
      }
    }
    starting_.clear();
    return first;
  }

  void RemoveMade() {
    (void)AwaitStarting();
    std::vector<PodRecord> pods;
    for (const std::string& name : made_) {
      Result<PodRecord> r = FindPod(paths_, ns_, name);
      if (r) pods.push_back(std::move(*r));
    }
    (void)StopAndRemovePods(paths_, pods, 0);
    for (const std::string& name : made_) (void)RemovePodFiles(paths_, ns_, name);
    (void)CollectNetworkGarbage(paths_);
  }

  Status Remove(const std::vector<std::string>& names) {
    std::vector<PodRecord> pods;
    for (const std::string& name : names) {
      pods.push_back(records_.at(name));
      result_.removed.push_back(name);
    }
    return StopAndRemovePods(paths_, pods, std::nullopt);
  }

  const store::Paths& paths_;
  std::string ns_;
  const ReconcileOptions& options_;
  Nursery own_nursery_;
  Nursery& nursery_;
  size_t starts_ = 0;  // pods that are still to start
  Lookups lookups_, lookups_of_running_;
  std::vector<Workload> workloads_;
  std::optional<Admission> admission_;
  std::vector<ObservedPod> observed_;
  std::map<std::string, PodRecord> records_;
  std::vector<std::string> made_;
  std::vector<StartingPod> starting_;
  bool refresh_ = false;
  ReconcileResult result_;
};

}  // namespace

Result<ReconcileResult> ReconcileNamespace(const store::Paths& paths, const std::string& ns,
                                           const ReconcileOptions& options) {
  return Reconciler(paths, ns, options).Run();
}

}  // namespace kpod::pods
