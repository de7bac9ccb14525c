// Manager::Apply, DryRun, Down, FindPlayed: objects in, objects out.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "kube/decode.h"
#include "kube/kind_names.h"
#include "pods/admission.h"
#include "pods/allocation.h"
#include "pods/immutable.h"
#include "pods/manager.h"
#include "pods/pod_files.h"
#include "pods/reconciler.h"
#include "pods/services.h"
#include "pods/volumes.h"
#include "pods/workloads.h"

namespace kpod::pods {

namespace {

std::string NewUid() {
  Result<std::string> uid = ReadFile("/proc/sys/kernel/random/uuid");
  return uid ? std::string(Trim(*uid)) : "";
}

std::vector<std::string> NamespacesOf(const std::vector<kube::Object>& objects) {
  std::set<std::string> names;
  for (const kube::Object& o : objects) {
    if (!o.ns.empty()) names.insert(o.ns);
    if (o.kind == "Namespace") names.insert(o.name);
  }
  return {names.begin(), names.end()};
}

// Locks in the order of names, so that two commands over several namespaces cannot wait for each
// other; first that of the objects outside of any namespace.
Result<std::vector<FileLock>> LockAll(const store::ObjectStore& store,
                                      const std::vector<kube::Object>& objects,
                                      const std::vector<std::string>& names) {
  std::vector<FileLock> locks;
  bool cluster = std::any_of(objects.begin(), objects.end(),
                             [](const kube::Object& o) { return o.ns.empty(); });
  if (cluster) locks.push_back(TRY(store.LockNamespace("")));
  for (const std::string& ns : names) locks.push_back(TRY(store.LockNamespace(ns)));
  return locks;
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

// The command's options, written into the object: what is stored is what runs, and generate gives
// it back.
Status ApplyOptionsTo(kube::Object* o, const ApplyOptions& options) {
  Json* spec = PodSpecOf(&o->json, o->kind);
  if (spec == nullptr) return OkStatus();
  if (!options.publish.empty()) Publish(spec, options.publish);
  if (options.network.empty() || options.network == "native") return OkStatus();
  if (options.network == "host") {
    (*spec)["hostNetwork"] = true;
    return OkStatus();
  }
  if (options.network != "none")
    return Error(
        StrCat("network \"", options.network, "\" not found: there are native, host and none"));
  Json& holder = o->kind == "Pod" ? o->json : o->json["spec"]["template"];
  holder["metadata"]["annotations"][kNetworkAnnotation] = "none";
  return OkStatus();
}

std::string GeneratedPrefix(const Json& object) {
  return StringAt(At(object, "metadata"), "generateName");
}

// The object that was made of this generateName before: playing a file again is no second object.
Result<std::string> NameGiven(const store::ObjectStore& store, const kube::Object& o) {
  std::string prefix = GeneratedPrefix(o.json);
  if (prefix.empty()) return std::string();
  for (const store::StoredObject& stored : TRY(store.List(o.ns, o.kind))) {
    if (GeneratedPrefix(stored.object) == prefix) return stored.name;
  }
  return std::string();
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

// A path as it is from everywhere; "-" and URLs stay as they are.
std::string AbsoluteSource(const std::string& source) {
  if (source == "-" || Contains(source, "://")) return source;
  if (source.starts_with("/")) return CleanPath(source);
  std::unique_ptr<char, void (*)(void*)> cwd(::getcwd(nullptr, 0), std::free);
  return cwd ? CleanPath(JoinPath(cwd.get(), source)) : source;
}

// Played from this file, or from a file below this directory.
bool IsFrom(const std::string& stored, const std::string& source) {
  if (stored == source) return true;
  return source.starts_with("/") && stored.starts_with(source + "/");
}

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
    c.before = TRY(store.Get(o.ns, o.kind, o.name));
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

// With the names that were given to objects without one; with a namespace goes all that is in it,
// but for "default", which is always there.
Result<std::vector<kube::Object>> ObjectsToRemove(const store::ObjectStore& store,
                                                  const std::vector<kube::Object>& given) {
  std::vector<kube::Object> out;
  std::set<std::string> known;
  auto add = [&](kube::Object o) {
    if (known.insert(o.Key()).second) out.push_back(std::move(o));
  };
  for (const kube::Object& o : given) {
    kube::Object named = o;
    if (named.name.empty()) named.name = TRY(NameGiven(store, o));
    if (named.name.empty()) continue;  // it was never played
    std::string name = named.name;
    add(std::move(named));
    if (o.kind != "Namespace" || name == "default") continue;
    for (store::StoredObject& inside : TRY(store.List(name))) {
      kube::Object k;
      k.kind = inside.kind;
      k.ns = inside.ns;
      k.name = inside.name;
      add(std::move(k));
    }
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

Result<ApplyResult> Manager::Apply(const std::vector<kube::Object>& objects,
                                   const ApplyOptions& options) {
  TRY(Repair());
  ApplyResult result;
  if (options.replace) TRY(Down(objects, false, std::nullopt));
  store::ObjectStore store(paths_);
  std::vector<std::string> namespaces = NamespacesOf(objects);
  std::vector<FileLock> locks = TRY(LockAll(store, objects, namespaces));
  std::vector<Change> changes = TRY(ChangesFor(store, objects, options));
  for (const Change& c : changes) {
    if (c.before) TRY(CheckImmutable(*c.before, c.now));
  }
  TRY(AdmitNew(store, changes));

  Allocator allocator(paths_);
  Undo undo([&] {
    for (const Change& c : changes) {
      (void)(c.before ? store.Put(*c.before) : store.Delete(c.now.ns, c.now.kind, c.now.name));
    }
    allocator.Restore();
    for (const std::string& ns : namespaces) (void)SyncServices(paths_, ns);
    (void)CollectNetworkGarbage(paths_);
  });
  bool changed = false;
  for (const Change& c : changes) {
    std::string action = ActionOf(c);
    if (action != "unchanged") {
      TRY(store.Put(c.now));
      if (c.now.kind == "PersistentVolumeClaim")
        TRY(MakeDirs(ClaimPath(paths_, c.now.ns, c.now.name), 0700));
      changed = true;
    }
    result.entries.push_back(
        {c.now.kind, c.now.ns, c.now.name, options.replace && !c.before ? "replaced" : action});
  }
  // Services are there before the pods: a program looks its names up when it starts.
  TRY(allocator.Allocate(ServicesOf(changes)));
  for (const std::string& ns : namespaces) TRY(SyncServices(paths_, ns));
  ReconcileOptions reconcile;
  reconcile.start = options.start;
  reconcile.refresh = changed;
  reconcile.lookups.progress = options.progress;
  for (const std::string& ns : namespaces) {
    ReconcileResult done = TRY(ReconcileNamespace(paths_, ns, reconcile));
    for (std::string& name : done.created) result.entries.push_back({"pod", ns, name, "created"});
    for (std::string& name : done.removed) result.entries.push_back({"pod", ns, name, "removed"});
    for (std::string& w : done.warnings) result.warnings.push_back(std::move(w));
  }
  undo.Dismiss();
  return result;
}

Result<ApplyResult> Manager::Down(const std::vector<kube::Object>& given, bool force,
                                  std::optional<int64_t> grace_seconds) {
  TRY(Repair());
  store::ObjectStore store(paths_);
  ApplyResult result;
  std::vector<std::string> namespaces = NamespacesOf(given);
  std::vector<FileLock> locks = TRY(LockAll(store, given, namespaces));
  std::vector<kube::Object> objects = TRY(ObjectsToRemove(store, given));
  std::vector<PodRecord> pods;
  std::vector<PodRecord> all = TRY(ListPods(paths_));
  // Objects first: from now on nothing wants these pods, whatever happens to this process.
  for (auto o = objects.rbegin(); o != objects.rend(); ++o) {
    std::optional<store::StoredObject> stored = TRY(store.Get(o->ns, o->kind, o->name));
    bool claim = o->kind == "PersistentVolumeClaim";
    if (!stored && !(claim && force)) continue;
    // A claim's data outlives `down`, and so does the claim itself; only --force removes both.
    bool keep = claim && !force;
    if (!keep) {
      TRY(store.Delete(o->ns, o->kind, o->name));
      result.entries.push_back({o->kind, o->ns, o->name, "removed"});
    }
    for (const PodRecord& p : all) {
      bool owned = o->kind == "Pod" ? p.plan.owner_kind.empty() && p.plan.name == o->name
                                    : p.plan.owner_kind == o->kind && p.plan.owner_name == o->name;
      if (owned && p.plan.ns == o->ns) pods.push_back(p);
    }
  }
  for (const std::string& ns : namespaces) TRY(SyncServices(paths_, ns));
  TRY(StopAndRemovePods(paths_, pods, grace_seconds));
  for (const PodRecord& p : pods)
    result.entries.push_back({"pod", p.plan.ns, p.plan.name, "removed"});
  for (const kube::Object& o : objects) {
    if (force && o.kind == "PersistentVolumeClaim") TRY(RemoveAll(ClaimPath(paths_, o.ns, o.name)));
  }
  TRY(CollectNetworkGarbage(paths_));
  return result;
}

Result<std::vector<kube::Object>> Manager::FindPlayed(const std::string& ns,
                                                      const std::string& source_or_name) {
  store::ObjectStore store(paths_);
  std::string want_ns = ns;
  std::string kind;
  std::string name = source_or_name;
  std::vector<std::string> parts = Split(source_or_name, '/');
  if (parts.size() == 2) {
    // "deployment/web" names a kind, "shop/web" a namespace.
    if (auto named = kube::KindNamed(parts[0])) {
      kind = *named;
    } else {
      want_ns = parts[0];
    }
    name = parts[1];
  }
  std::string source = AbsoluteSource(source_or_name);
  std::vector<kube::Object> found;
  std::vector<store::StoredObject> all = TRY(store.List());
  // In the order in which they were first played, which is that of their file.
  std::stable_sort(all.begin(), all.end(),
                   [](const store::StoredObject& a, const store::StoredObject& b) {
                     return a.created_nanos < b.created_nanos;
                   });
  for (store::StoredObject& o : all) {
    bool by_source = IsFrom(o.source, source);
    bool by_name =
        o.name == name && (o.ns == want_ns || o.ns.empty()) && (kind.empty() || o.kind == kind);
    if (!by_source && !by_name) continue;
    kube::Object k;
    k.kind = o.kind;
    k.api_version = StringAt(o.object, "apiVersion");
    k.ns = o.ns;
    k.name = o.name;
    k.json = std::move(o.object);
    k.at.file = o.source;
    found.push_back(std::move(k));
  }
  if (found.empty()) {
    Error e = Error::Errno("\"" + source_or_name + "\" not found", ENOENT);
    return e;
  }
  return found;
}

}  // namespace kpod::pods
