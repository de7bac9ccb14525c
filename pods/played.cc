#include "pods/played.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "base/text.h"

namespace kpod::pods {

std::vector<std::string> NamespacesOf(const std::vector<kube::Object>& objects) {
  std::set<std::string> names;
  for (const kube::Object& o : objects) {
    if (!o.ns.empty()) names.insert(o.ns);
    if (o.kind == "Namespace") names.insert(o.name);
  }
  return {names.begin(), names.end()};
}

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

std::string GeneratedPrefix(const Json& object) {
  return StringAt(At(object, "metadata"), "generateName");
}

Result<std::string> NameGiven(const store::ObjectStore& store, const kube::Object& o) {
  std::string prefix = GeneratedPrefix(o.json);
  if (prefix.empty()) return std::string();
  for (const store::StoredObject& stored : TRY(store.List(o.ns, o.kind))) {
    if (GeneratedPrefix(stored.object) == prefix) return stored.name;
  }
  return std::string();
}

std::string AbsoluteSource(const std::string& source) {
  if (source == "-" || Contains(source, "://")) return source;
  if (source.starts_with("/")) return CleanPath(source);
  std::unique_ptr<char, void (*)(void*)> cwd(::getcwd(nullptr, 0), std::free);
  return cwd ? CleanPath(JoinPath(cwd.get(), source)) : source;
}

}  // namespace kpod::pods
