#include "pods/take_down.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "kube/kind_names.h"
#include "pods/played.h"
#include "pods/repair.h"
#include "pods/services.h"
#include "pods/stop_pods.h"
#include "pods/volumes.h"

namespace kpod::pods {

namespace {

// Of which no more is known.
kube::Object Named(const std::string& ns, const std::string& kind, const std::string& name) {
  kube::Object o;
  o.ns = ns;
  o.kind = kind;
  o.name = name;
  return o;
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
    std::vector<store::DamagedObject> damaged;
    for (const store::StoredObject& inside : TRY(store.List(name, "", &damaged)))
      add(Named(inside.ns, inside.kind, inside.name));
    for (const store::DamagedObject& inside : damaged)
      add(Named(inside.ns, inside.kind, inside.name));
  }
  return out;
}

// A damaged pod does not know its owner, but bears its name.
bool IsOwner(const std::string& kind, const std::string& name, const PodRecord& p) {
  const Plan& plan = p.plan;
  if (!p.plan_damage.empty()) return name == plan.name || plan.name.starts_with(name + "-");
  if (plan.owner_kind.empty()) return kind == "Pod" && name == plan.name;
  return kind == plan.owner_kind && name == plan.owner_name;
}

// Pods that nothing wants any more: of the objects that were removed just now, and of those that a
// command had removed before it was killed.
Result<std::vector<PodRecord>> Unwanted(const store::Paths& paths,
                                        const std::vector<std::string>& namespaces) {
  store::ObjectStore store(paths);
  std::vector<PodRecord> pods = TRY(ListPods(paths));
  std::vector<PodRecord> out;
  for (const std::string& ns : namespaces) {
    std::vector<store::DamagedObject> damaged;
    std::vector<store::StoredObject> objects = TRY(store.List(ns, "", &damaged));
    for (const PodRecord& p : pods) {
      auto owns = [&](const auto& o) { return IsOwner(o.kind, o.name, p); };
      bool wanted = std::any_of(objects.begin(), objects.end(), owns) ||
                    std::any_of(damaged.begin(), damaged.end(), owns);
      if (p.plan.ns == ns && !wanted) out.push_back(p);
    }
  }
  return out;
}

// Played from this file, or from a file below this directory.
bool IsFrom(const std::string& stored, const std::string& source) {
  if (stored == source) return true;
  return source.starts_with("/") && stored.starts_with(source + "/");
}

}  // namespace

Result<ApplyResult> TakeDown(const store::Paths& paths, const std::vector<kube::Object>& given,
                             bool force, std::optional<int64_t> grace_seconds) {
  store::ObjectStore store(paths);
  ApplyResult result;
  std::vector<kube::Object> objects = TRY(ObjectsToRemove(store, given));
  std::set<std::string> to_settle;
  for (const std::string& ns : NamespacesOf(given)) {
    if (!store.IsUnsettled(ns)) to_settle.insert(ns);
    TRY(store.Unsettle(ns));
  }
  // Objects first: from now on nothing wants these pods, whatever happens to this process.
  for (auto o = objects.rbegin(); o != objects.rend(); ++o) {
    bool claim = o->kind == "PersistentVolumeClaim";
    // A claim's data outlives `down`, and so does the claim itself; only --force removes both.
    if (claim && !force) continue;
    Result<std::optional<store::StoredObject>> stored = store.Get(o->ns, o->kind, o->name);
    if (!stored && stored.error().code() != EBADMSG) return std::move(stored.error());
    if (stored && !*stored && !claim) continue;
    TRY(store.Delete(o->ns, o->kind, o->name));
    result.entries.push_back({o->kind, o->ns, o->name, "removed"});
  }
  for (const std::string& ns : NamespacesOf(given)) TRY(SyncServices(paths, ns));
  std::vector<PodRecord> pods = TRY(Unwanted(paths, NamespacesOf(given)));
  TRY(StopAndRemovePods(paths, pods, grace_seconds));
  for (const PodRecord& p : pods)
    result.entries.push_back({"pod", p.plan.ns, p.plan.name, "removed"});
  for (const kube::Object& o : objects) {
    if (force && o.kind == "PersistentVolumeClaim") TRY(RemoveAll(ClaimPath(paths, o.ns, o.name)));
  }
  for (const std::string& ns : NamespacesOf(given)) {
    // Where a command was killed before and something is left, that still has to follow.
    if (to_settle.contains(ns) || TRY(store.List(ns)).empty()) TRY(store.Settle(ns));
  }
  TRY(CollectNetworkGarbage(paths));
  return result;
}

Status FinishTakeDown(const store::Paths& paths, const std::vector<std::string>& namespaces) {
  store::ObjectStore store(paths);
  for (const std::string& ns : namespaces) {
    if (!store.IsUnsettled(ns)) continue;
    std::vector<PodRecord> pods = TRY(Unwanted(paths, {ns}));
    TRY(StopAndRemovePods(paths, pods, std::nullopt));
  }
  return OkStatus();
}

Result<ApplyResult> Manager::Down(const std::vector<kube::Object>& given, bool force,
                                  std::optional<int64_t> grace_seconds) {
  store::ObjectStore store(paths_);
  std::vector<std::string> namespaces = NamespacesOf(given);
  std::vector<FileLock> locks = TRY(LockAll(store, given, namespaces));
  TRY(RepairPods(paths_, {namespaces.begin(), namespaces.end()}));
  return TakeDown(paths_, given, force, grace_seconds);
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
  auto is_named = [&](const std::string& o_ns, const std::string& o_kind, const std::string& o) {
    return o == name && (o_ns == want_ns || o_ns.empty()) && (kind.empty() || o_kind == kind);
  };
  std::vector<kube::Object> found;
  std::vector<store::DamagedObject> damaged;
  std::vector<store::StoredObject> all = TRY(store.List("", "", &damaged));
  // In the order in which they were first played, which is that of their file.
  std::stable_sort(all.begin(), all.end(),
                   [](const store::StoredObject& a, const store::StoredObject& b) {
                     return a.created_nanos < b.created_nanos;
                   });
  for (store::StoredObject& o : all) {
    if (!IsFrom(o.source, source) && !is_named(o.ns, o.kind, o.name)) continue;
    kube::Object k;
    k.kind = o.kind;
    k.api_version = StringAt(o.object, "apiVersion");
    k.ns = o.ns;
    k.name = o.name;
    k.json = std::move(o.object);
    k.at.file = o.source;
    found.push_back(std::move(k));
  }
  for (const store::DamagedObject& d : damaged) {
    if (is_named(d.ns, d.kind, d.name)) found.push_back(Named(d.ns, d.kind, d.name));
  }
  if (found.empty()) {
    // Pods whose object a command that was killed had removed already.
    for (const PodRecord& p : TRY(ListPods(paths_))) {
      std::string owner = p.plan.owner_kind.empty() ? "Pod" : p.plan.owner_kind;
      const std::string& of = p.plan.owner_kind.empty() ? p.plan.name : p.plan.owner_name;
      if (is_named(p.plan.ns, owner, of)) found.push_back(Named(p.plan.ns, owner, of));
    }
  }
  if (found.empty()) {
    Error e = Error::Errno("\"" + source_or_name + "\" not found", ENOENT);
    return e;
  }
  return found;
}

}  // namespace kpod::pods
