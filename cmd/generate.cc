// generate kube: what was played comes back, with what it refers to.
#include <algorithm>
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "kube/load.h"
#include "pods/status.h"
#include "store/objects.h"

namespace kpod::cmd {

namespace {

void GenerateOptions(po::options_description_easy_init& add) {
  add("filename,f", po::value<std::string>()->value_name("FILE"),
      "write there instead of standard output");
}

// A field that names another object: "key: NAME", "key: {member: NAME}", "key: [{member: NAME}]".
struct Reference {
  std::string_view key, member, kind;
};
constexpr Reference kReferences[] = {
    {"configMap", "name", "ConfigMap"},
    {"configMapRef", "name", "ConfigMap"},
    {"configMapKeyRef", "name", "ConfigMap"},
    {"secret", "secretName", "Secret"},
    {"secret", "name", "Secret"},
    {"secretRef", "name", "Secret"},
    {"secretKeyRef", "name", "Secret"},
    {"imagePullSecrets", "name", "Secret"},
    {"tls", "secretName", "Secret"},
    {"persistentVolumeClaim", "claimName", "PersistentVolumeClaim"},
    {"storageClassName", "", "StorageClass"},
    {"volumeName", "", "PersistentVolume"},
    {"serviceAccountName", "", "ServiceAccount"},
    {"serviceName", "", "Service"},
    {"priorityClassName", "", "PriorityClass"},
    {"ingressClassName", "", "IngressClass"},
    {"runtimeClassName", "", "RuntimeClass"},
};

using Name = std::pair<std::string, std::string>;  // kind, name

void AddNames(const Reference& reference, const Json& value, std::vector<Name>* out) {
  if (value.is_array()) {
    for (const Json& e : value) AddNames(reference, e, out);
    return;
  }
  std::string name = reference.member.empty() && value.is_string()
                         ? value.get<std::string>()
                         : StringAt(value, reference.member);
  if (!name.empty()) out->emplace_back(reference.kind, name);
}

void AddReferences(const Json& node, std::vector<Name>* out) {
  if (node.is_array()) {
    for (const Json& e : node) AddReferences(e, out);
  }
  if (!node.is_object()) return;
  for (const auto& [key, value] : node.items()) {
    for (const Reference& reference : kReferences) {
      if (reference.key == key) AddNames(reference, value, out);
    }
    AddReferences(value, out);
  }
}

// What was found, each object once, after what it refers to.
class Collection {
 public:
  explicit Collection(const store::Paths& paths) : store_(paths) {}

  Status Add(kube::Object o) {
    auto same = [&](const std::string& key) { return key == o.Key(); };
    if (std::any_of(keys_.begin(), keys_.end(), same)) return OkStatus();
    keys_.push_back(o.Key());
    if (o.json.is_null()) {
      TRY(store_.Get(o.ns, o.kind, o.name));  // says what is wrong with it
      return Error(StrCat(o.kind, " ", o.name, " is being taken down"));
    }
    std::vector<Name> names;
    if (!o.ns.empty()) names.emplace_back("Namespace", o.ns);
    AddReferences(At(o.json, "spec"), &names);
    for (const auto& [kind, name] : names) {
      std::optional<store::StoredObject> found = TRY(store_.Get(o.ns, kind, name));
      if (!found) found = TRY(store_.Get("", kind, name));
      if (!found) continue;
      kube::Object k;
      k.kind = found->kind;
      k.ns = found->ns;
      k.name = found->name;
      k.json = std::move(found->object);
      TRY(Add(std::move(k)));
    }
    text_ += StrCat(text_.empty() ? "" : "---\n", kube::ToYaml(o.json));
    return OkStatus();
  }
  const std::string& text() const { return text_; }

 private:
  store::ObjectStore store_;
  std::vector<std::string> keys_;
  std::string text_;
};

Result<int> Generate(Invocation& in) {
  if (in.args.empty()) return Error("name a pod, a deployment, or another object that was played");
  Collection collection(in.paths);
  for (const std::string& word : in.args) {
    std::string name = word;
    Result<pods::PodRecord> pod =
        pods::FindPod(in.paths, in.ns, word.starts_with("pod/") ? word.substr(4) : word);
    if (pod && !pod->plan.owner_kind.empty())
      name = StrCat(ToLower(pod->plan.owner_kind), "/", pod->plan.owner_name);
    for (kube::Object& o : TRY(FindPlayed(in, name))) TRY(collection.Add(std::move(o)));
  }
  std::string file = in.Text("filename");
  if (file.empty()) {
    std::fputs(collection.text().c_str(), stdout);
    return 0;
  }
  TRY(WriteFileAtomic(file, collection.text(), 0644));
  return 0;
}

}  // namespace

void AddGenerateCommands(std::vector<Command>* out) {
  out->push_back(
      {{"generate", "kube"},
       {"kube generate"},
       "NAME...",
       "Print what was played as Kubernetes YAML",
       "The objects come back whole, with the ConfigMaps, Secrets, claims and others that "
       "they refer to. A\nNAME may also be the file or the directory that was played.\n\n"
       "Examples:\n"
       "  kpod generate kube web\n  kpod generate kube deployment/web -f web.yaml",
       GenerateOptions,
       Generate});
}

}  // namespace kpod::cmd
