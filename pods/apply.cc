// Manager::Apply, DryRun: objects in, pods out.
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "kube/decode.h"
#include "kube/podman.h"
#include "pods/admission.h"
#include "pods/allocation.h"
#include "pods/immutable.h"
#include "pods/manager.h"
#include "pods/nursery.h"
#include "pods/played.h"
#include "pods/reconciler.h"
#include "pods/repair.h"
#include "pods/services.h"
#include "pods/stop_pods.h"
#include "pods/take_down.h"
#include "pods/volumes.h"
#include "pods/workloads.h"

namespace kpod::pods {

namespace {

std::string NewUid() {
  Result<std::string> uid = ReadFile("/proc/sys/kernel/random/uuid");
  return uid ? std::string(Trim(*uid)) : "";
}

// The pod spec inside an object, or null.
Json* PodSpecOf(Json* object, const std::string& kind) {
  Json* spec = object->contains("spec") ? &(*object)["spec"] : nullptr;
  if (spec == nullptr || !spec->is_object()) return nullptr;
  if (kind == "Pod") return spec;
  if (!spec->contains("template") || !(*spec)["template"].is_object()) return nullptr;
  Json& pod_template = (*spec)["template"];
  return pod_template.contains("spec") ? &pod_template["spec"] : nullptr;
}

// --publish becomes what a manifest would say: a hostPort of the container that names the port,
// else of the first.
void Publish(Json* pod_spec, const std::vector<PortPlan>& publish) {
  if (!pod_spec->contains("containers") || !(*pod_spec)["containers"].is_array()) return;
  Json& containers = (*pod_spec)["containers"];
  for (const PortPlan& p : publish) {
    Json* found = nullptr;
    for (Json& c : containers) {
      if (!c.contains("ports") || !c["ports"].is_array()) continue;
      for (Json& port : c["ports"]) {
        bool same = IntAt(port, "containerPort") == p.container_port &&
                    StringAt(port, "protocol", "TCP") == p.protocol;
        if (same && found == nullptr) found = &port;
      }
    }
    if (found == nullptr && !containers.empty()) {
      Json& ports = containers[0]["ports"];
      if (!ports.is_array()) ports = Json::array();
      ports.push_back({{"containerPort", p.container_port}, {"protocol", p.protocol}});
      found = &ports.back();
    }
    if (found == nullptr) continue;
    (*found)["hostPort"] = p.host_port;
    if (!p.host_ip.empty()) (*found)["hostIP"] = p.host_ip;
  }
}

// The pod, or the template of pods, inside an object that has one.
Json& PodOf(Json* object, const std::string& kind) {
  return kind == "Pod" ? *object : (*object)["spec"]["template"];
}

// What the rules say of a manifest, of what the command's options made of it.
Status CheckHostUsers(const Json& pod) {
  if (kube::HasHostUsers(pod)) return OkStatus();
  const Json& spec = At(pod, "spec");
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (BoolAt(spec, field))
      return Error(StrCat("spec.", field, ": Forbidden: when `hostUsers` is false"));
  }
  for (const char* list : {"containers", "initContainers"}) {
    const Json& containers = At(spec, list);
    bool devices = containers.is_array() &&
                   std::any_of(containers.begin(), containers.end(),
                               [](const Json& c) { return !At(c, "volumeDevices").empty(); });
    if (devices)
      return Error(StrCat("spec.", list, ".volumeDevices: Forbidden: when `hostUsers` is false"));
  }
  return OkStatus();
}

// The command's options, written into the object: what is stored is what runs, and generate gives
// it back.
Status ApplyOptionsTo(kube::Object* o, const ApplyOptions& options) {
  Json* spec = PodSpecOf(&o->json, o->kind);
  if (spec == nullptr) return OkStatus();
  if (!options.publish.empty()) Publish(spec, options.publish);
  if (!options.userns.empty()) {
    if (options.userns != "auto" && options.userns != "host")
      return Error(StrCat("user namespace ", Quote(options.userns), ": there are auto and host"));
    (*spec)["hostUsers"] = options.userns == "host";
  }
  if (options.network == "host") (*spec)["hostNetwork"] = true;
  Json& holder = PodOf(&o->json, o->kind);
  TRY(CheckHostUsers(holder));
  if (options.network.empty() || options.network == "native" || options.network == "host")
    return OkStatus();
  if (options.network != "none")
    return Error(
        StrCat("network \"", options.network, "\" not found: there are native, host and none"));
  holder["metadata"]["annotations"][kNetworkAnnotation] = "none";
  return OkStatus();
}

// As the API server does for an object that names itself by generateName alone.
Status NameObject(const store::ObjectStore& store, kube::Object* o) {
  if (!o->name.empty()) return OkStatus();
  o->name = TRY(NameGiven(store, *o));
  if (o->name.empty()) o->name = GeneratedPrefix(o->json) + RandomSuffix();
  o->json["metadata"]["name"] = o->name;
  return OkStatus();
}

// Keys in another order are the same object.
bool Same(const Json& a, const Json& b) { return nlohmann::json(a) == nlohmann::json(b); }

struct Change {
  store::StoredObject now;
  std::optional<store::StoredObject> before;
};

Result<std::vector<Change>> ChangesFor(const store::ObjectStore& store,
                                       std::vector<kube::Object> objects,
                                       const ApplyOptions& options) {
  std::vector<Change> changes;
  for (kube::Object& o : objects) {
    TRY(ApplyOptionsTo(&o, options).Context(StrCat(o.kind, " ", o.name)));
    TRY(NameObject(store, &o));
    Change c;
    Result<std::optional<store::StoredObject>> before = store.Get(o.ns, o.kind, o.name);
    if (before) {
      c.before = std::move(*before);
    } else if (before.error().code() != EBADMSG) {  // a damaged one is written anew
      return std::move(before.error());
    }
    if (c.before) c.now = *c.before;
    c.now.ns = o.ns;
    c.now.kind = o.kind;
    c.now.name = o.name;
    c.now.source = o.at.file.empty() ? options.source : o.at.file;
    c.now.source = AbsoluteSource(c.now.source);
    if (!c.before) {
      c.now.uid = NewUid();
      c.now.created_nanos = NowNanos();
    } else if (!Same(c.before->object, o.json)) {
      ++c.now.generation;
    }
    c.now.object = std::move(o.json);
    changes.push_back(std::move(c));
  }
  return changes;
}

std::string ActionOf(const Change& c) {
  if (!c.before) return "created";
  return Same(c.before->object, c.now.object) ? "unchanged" : "configured";
}

std::vector<kube::Service> ServicesOf(const std::vector<Change>& changes) {
  std::vector<kube::Service> out;
  for (const Change& c : changes) {
    if (c.now.kind == "Service") out.push_back(kube::DecodeService(c.now.object));
  }
  return out;
}

// New objects against the quotas and ranges of their namespaces, in their order.
Status AdmitNew(const store::ObjectStore& store, const std::vector<Change>& changes) {
  std::map<std::string, std::vector<store::StoredObject>> present;
  for (const Change& c : changes) {
    if (c.now.ns.empty()) continue;
    auto [it, fresh] = present.try_emplace(c.now.ns);
    if (fresh) it->second = TRY(store.List(c.now.ns));
    if (c.before) continue;
    // Pods are admitted when they are made.
    if (c.now.kind != "Pod") TRY(Admission(it->second).AdmitObject(c.now));
    it->second.push_back(c.now);
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<Plan>> Manager::DryRun(const std::vector<kube::Object>& objects,
                                          const ApplyOptions& options) {
  store::ObjectStore store(paths_);
  std::vector<store::StoredObject> given;
  for (Change& c : TRY(ChangesFor(store, objects, options))) given.push_back(std::move(c.now));
  std::vector<Plan> plans;
  for (const std::string& ns : NamespacesOf(objects)) {
    LookupOptions lookup_options;
    lookup_options.pull = false;
    lookup_options.overlay = &given;
    Lookups lookups = MakeLookups(paths_, ns, lookup_options);
    std::vector<store::StoredObject> mine;
    for (const store::StoredObject& o : given) {
      if (o.ns == ns) mine.push_back(o);
    }
    for (const Workload& w : WorkloadsOf(mine)) {
      for (int i = 0; i < w.replicas; ++i) {
        kube::Pod pod = w.pod;
        pod.metadata.name = w.kind == "Pod" ? w.name : StrCat(w.name, "-", w.hash, "-", i);
        Plan plan = MakePlan(pod, lookups);
        plan.hash = w.hash;
        if (w.kind != "Pod") {
          plan.owner_kind = w.kind;
          plan.owner_name = w.name;
        }
        plans.push_back(std::move(plan));
      }
    }
  }
  return plans;
}

namespace {

// A process for the first of the pods that will be made, if there will be any.
void PrepareFor(std::vector<Change>* changes, Nursery* nursery) {
  for (Change& c : *changes) {
    const Json* spec = c.before ? nullptr : PodSpecOf(&c.now.object, c.now.kind);
    if (spec == nullptr) continue;
    bool own_users = !kube::HasHostUsers(PodOf(&c.now.object, c.now.kind));
    return nursery->Prepare(!BoolAt(*spec, "hostNetwork") && !own_users);
  }
}

bool IsChanged(const Change& c) { return ActionOf(c) != "unchanged"; }

// A command that failed changed nothing: the objects are as they were before ...
void RestoreObjects(const store::ObjectStore& store, const std::vector<Change>& changes) {
  for (const Change& c : changes) {
    if (!IsChanged(c) || !store.Unsettle(c.now.ns)) continue;
    (void)(c.before ? store.Put(*c.before) : store.Delete(c.now.ns, c.now.kind, c.now.name));
  }
}

// ... and Services and pods follow from them.
void Follow(const store::Paths& paths, const std::vector<Change>& changes, bool start) {
  std::set<std::string> namespaces;
  for (const Change& c : changes) {
    if (IsChanged(c)) namespaces.insert(c.now.ns);
  }
  ReconcileOptions options;
  options.start = start;
  options.lookups.pull = false;
  for (const std::string& ns : namespaces) {
    if (ns.empty()) {
      (void)store::ObjectStore(paths).Settle(ns);
      continue;
    }
    (void)SyncServices(paths, ns);
    (void)ReconcileNamespace(paths, ns, options);
  }
  (void)CollectNetworkGarbage(paths);
}

Status WriteChanges(const store::Paths& paths, const std::vector<Change>& changes) {
  store::ObjectStore store(paths);
  for (const Change& c : changes) {
    if (!IsChanged(c)) continue;
    TRY(store.Unsettle(c.now.ns));
    TRY(store.Put(c.now));
    if (c.now.kind == "PersistentVolumeClaim")
      TRY(MakeDirs(ClaimPath(paths, c.now.ns, c.now.name), 0700));
    if (c.now.ns.empty()) TRY(store.Settle(""));  // no pods follow from it
  }
  return OkStatus();
}

}  // namespace

Result<ApplyResult> Manager::Apply(const std::vector<kube::Object>& objects,
                                   const ApplyOptions& options) {
  store::ObjectStore store(paths_);
  std::vector<std::string> namespaces = NamespacesOf(objects);
  std::vector<FileLock> locks = TRY(LockAll(store, objects, namespaces));
  TRY(RepairPods(paths_, {namespaces.begin(), namespaces.end()}));
  std::set<std::string> interrupted;
  for (const std::string& ns : namespaces) {
    if (store.IsUnsettled(ns)) interrupted.insert(ns);
  }
  TRY(FinishTakeDown(paths_, namespaces));
  ApplyResult result;
  if (options.replace) TRY(TakeDown(paths_, objects, false, std::nullopt));
  std::vector<Change> changes = TRY(ChangesFor(store, objects, options));
  for (const Change& c : changes) {
    if (c.before) TRY(CheckImmutable(*c.before, c.now));
  }
  TRY(AdmitNew(store, changes));

  Nursery nursery(paths_);
  if (options.start) PrepareFor(&changes, &nursery);
  Allocator allocator(paths_);
  Undo undo([&] {
    RestoreObjects(store, changes);
    allocator.Restore();
    Follow(paths_, changes, options.start);
  });
  for (const Change& c : changes) {
    std::string action = ActionOf(c);
    result.entries.push_back(
        {c.now.kind, c.now.ns, c.now.name, options.replace && !c.before ? "replaced" : action});
  }
  TRY(WriteChanges(paths_, changes));
  // Services are there before the pods: a program looks its names up when it starts.
  TRY(allocator.Allocate(ServicesOf(changes)));
  for (const std::string& ns : namespaces) TRY(SyncServices(paths_, ns));
  ReconcileOptions reconcile;
  reconcile.start = options.start;
  reconcile.nursery = &nursery;
  reconcile.lookups.progress = options.progress;
  for (const std::string& ns : namespaces) {
    reconcile.interrupted = interrupted.contains(ns);
    ReconcileResult done = TRY(ReconcileNamespace(paths_, ns, reconcile));
    for (std::string& name : done.created) result.entries.push_back({"pod", ns, name, "created"});
    for (std::string& name : done.removed) result.entries.push_back({"pod", ns, name, "removed"});
    for (std::string& w : done.warnings) result.warnings.push_back(std::move(w));
  }
  undo.Dismiss();
  return result;
}

}  // namespace kpod::pods
