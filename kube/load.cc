#include "kube/load.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "kube/lift.h"
#include "kube/rules.h"
#include "kube/schema.h"
#include "kube/structure.h"
#include "kube/support.h"
#include "kube/yaml.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {
namespace {

class Loader {
 public:
  Loader(const std::string& file, Validate validate) : file_(file), validate_(validate) {}

  void AddDocument(const Document& document);
  LoadResult Take();

 private:
  void AddItem(const Node& node, std::string_view list_version, std::string_view item_kind);
  void AddList(const Node& node, std::string_view api_version, std::string_view kind);
  void AddKnown(const Node& node, const KindInfo& info, std::vector<Diagnostic> said);
  void AddRemoved(const Node& node, const Removed& removed);
  void AddUnknownKind(const Node& node, std::string_view api_version, std::string_view kind);
  void Finish(Object object, std::vector<Diagnostic> said);
  Diagnostic BadWord(const Node& node, std::string_view key) const;
  Diagnostic Say(Severity severity, const Node& at, std::string path, std::string text) const;
  std::string Label(const Node& node, std::string_view kind) const;
  void Tell(std::vector<Diagnostic> said);
  bool Strict() const { return validate_ == Validate::kStrict; }

  const std::string& file_;
  Validate validate_;
  std::string object_;  // "Deployment/web", for what is said
  std::set<std::string> noted_;
  LoadResult result_;
};

bool IsText(const Node* node) {
  return node != nullptr && node->IsScalar() && Resolve(*node).kind == Scalar::Kind::kString;
}

Diagnostic Loader::Say(Severity severity, const Node& at, std::string path,
                       std::string text) const {
  return {severity, {file_, at.line, at.column}, object_, std::move(path), std::move(text)};
}

std::string Loader::Label(const Node& node, std::string_view kind) const {
  const Node* metadata = node.FindSet("metadata");
  std::string_view name = metadata == nullptr ? std::string_view() : metadata->TextAt("name");
  if (name.empty() && metadata != nullptr) name = metadata->TextAt("generateName");
  return name.empty() ? std::string(kind) : StrCat(kind, "/", name);
}

// Under strict a warning is an error; under ignore only errors are told.
void Loader::Tell(std::vector<Diagnostic> said) {
  for (Diagnostic& diagnostic : said) {
    if (Strict() && diagnostic.severity == Severity::kWarning) {
      diagnostic.severity = Severity::kError;
    }
    if (validate_ == Validate::kIgnore && diagnostic.severity != Severity::kError) continue;
    result_.diagnostics.push_back(std::move(diagnostic));
  }
}

void Loader::AddDocument(const Document& document) {
  bool broken = false;
  object_.clear();
  std::vector<Diagnostic> said;
  for (const Problem& problem : document.problems) {
    said.push_back({problem.error ? Severity::kError : Severity::kWarning,
                    {file_, problem.line, problem.column},
                    "",
                    problem.path,
                    problem.text});
    broken |= problem.error || Strict();
  }
  Tell(std::move(said));
  if (broken || document.root.IsNull()) return;
  AddItem(document.root, "", "");
}

// Why an object does not say its "kind" or "apiVersion": mistyped, misspelled, misplaced,
// forgotten.
Diagnostic Loader::BadWord(const Node& node, std::string_view key) const {
  Diagnostic said = Say(Severity::kError, node, std::string(key), "Required value");
  auto put = [&](const Entry& entry, std::string path, std::string text) {
    said.at.line = entry.line;
    said.at.column = entry.column;
    said.path = std::move(path);
    said.text = std::move(text);
  };
  for (const Entry& entry : node.entries) {
    bool empty = entry.value.IsNull() || (IsText(&entry.value) && entry.value.scalar.empty());
    if (entry.key == key) {
      put(entry, said.path, empty ? "Required value" : "must be a string");
      if (entry.value.line == entry.line) said.at.column = entry.value.column;
    }
    if (entry.key == key || DidYouMean(entry.key, {std::string(key)}).empty()) continue;
    put(entry, entry.key, StrCat("unknown field; did you mean ", Quote(key), "?"));
  }
  const Node* metadata = node.FindSet("metadata");
  if (metadata == nullptr || node.Find(key) != nullptr) return said;
  for (const Entry& entry : metadata->entries) {
    if (entry.key != key) continue;
    put(entry, StrCat("metadata.", key), "this field belongs to the top level of the object");
  }
  return said;
}

// "apiVersion" and "kind" say what the rest is. A list of known kinds may leave them out of its
// items.
void Loader::AddItem(const Node& node, std::string_view list_version, std::string_view item_kind) {
  object_.clear();
  if (node.IsNull()) return;
  if (!node.IsMap()) {
    return Tell(
        {Say(Severity::kError, node, "",
             "this is not a Kubernetes object: it must be a map with apiVersion and kind")});
  }
  std::string api_version(list_version), kind(item_kind);
  std::vector<Diagnostic> said;
  for (std::string_view key : {"kind", "apiVersion"}) {
    std::string& value = key == "kind" ? kind : api_version;
    const Node* found = node.FindSet(key);
    if (IsText(found) && !found->scalar.empty()) {
      value = found->scalar;
    } else if (value.empty() || (found != nullptr && !IsText(found))) {
      said.push_back(BadWord(node, key));
    }
  }
  if (!said.empty()) return Tell(std::move(said));
  object_ = Label(node, kind);
  if (kind.ends_with("List") && !FindKind(api_version, kind) &&
      (kind == "List" || FindKind(api_version, kind.substr(0, kind.size() - 4)))) {
    return AddList(node, api_version, kind);
  }
  if (auto info = FindKind(api_version, kind)) return AddKnown(node, *info, {});
  if (auto removed = FindRemoved(api_version, kind)) return AddRemoved(node, *removed);
  AddUnknownKind(node, api_version, kind);
}

void Loader::AddList(const Node& node, std::string_view api_version, std::string_view kind) {
  std::vector<Diagnostic> said;
  if (kind == "List" && api_version != "v1") {
    said.push_back(
        Say(Severity::kError, *node.Find("apiVersion"), "apiVersion", "a List has apiVersion: v1"));
  }
  for (const Entry& entry : node.entries) {
    if (entry.key == "apiVersion" || entry.key == "kind" || entry.key == "metadata") continue;
    if (entry.key == "items" && (entry.value.IsSequence() || entry.value.IsNull())) continue;
    if (entry.key != "items" && validate_ == Validate::kIgnore) continue;
    std::string near = DidYouMean(entry.key, {"apiVersion", "kind", "metadata", "items"});
    Node at;
    at.line = entry.line;
    at.column = entry.column;
    said.push_back(Say(Severity::kError, at, entry.key,
                       entry.key == "items" ? "must be a sequence of objects"
                       : near.empty()       ? "unknown field"
                                      : StrCat("unknown field; did you mean ", Quote(near), "?")));
  }
  Tell(std::move(said));
  const Node* items = node.FindSet("items");
  if (items == nullptr) return;
  bool typed = kind != "List";
  for (const Node& item : items->items) {
    AddItem(item, typed ? api_version : "", typed ? kind.substr(0, kind.size() - 4) : "");
  }
}

void Loader::AddRemoved(const Node& node, const Removed& removed) {
  const Node* found = node.Find("apiVersion");
  const Node& at = found == nullptr ? node : *found;
  std::string gone =
      StrCat(removed.api_version, " ", removed.kind, " was removed in Kubernetes ", removed.since);
  auto info = FindKind(removed.present, removed.kind);
  if (!info) {
    return Tell(
        {Say(Severity::kWarning, at, "apiVersion", gone + " and has no successor; skipped")});
  }
  Diagnostic said =
      Say(Severity::kWarning, at, "apiVersion", StrCat(gone, "; read as ", removed.present));
  AddKnown(Lift(node, removed), *info, {std::move(said)});
}

// A group with a dot in its name may be that of a custom resource; the others are Kubernetes' own.
void Loader::AddUnknownKind(const Node& node, std::string_view api_version, std::string_view kind) {
  const Node* version_node = node.Find("apiVersion");
  const Node& at_version = version_node == nullptr ? node : *version_node;
  const Node* kind_node = node.Find("kind");
  const Node& at_kind = kind_node == nullptr ? node : *kind_node;
  std::string_view group = GroupOf(api_version);
  std::vector<std::string> versions, kinds, homes;
  for (const KindInfo& info : AllKinds()) {
    if (info.api_version == api_version) kinds.emplace_back(info.kind);
    if (info.kind == kind) homes.emplace_back(info.api_version);
    versions.emplace_back(info.api_version);
  }
  if (!kinds.empty()) {
    std::string near = DidYouMean(kind, kinds);
    std::string text = StrCat("no kind ", Quote(kind), " in version ", Quote(api_version));
    if (!homes.empty()) {
      return Tell({Say(Severity::kError, at_version, "apiVersion",
                       StrCat(text, "; did you mean apiVersion: ", homes.back(), "?"))});
    }
    if (!near.empty()) text += StrCat("; did you mean ", Quote(near), "?");
    return Tell({Say(Severity::kError, at_kind, "kind", text)});
  }
  std::string near = DidYouMean(api_version, homes.empty() ? versions : homes);
  bool custom = group.find('.') != std::string_view::npos && !IsKnownGroup(group);
  if (custom && (homes.empty() || near.empty())) {
    return Tell({Say(Severity::kWarning, node, "",
                     StrCat("custom resource ", api_version, " ", kind,
                            " is skipped: no controller for it runs here"))});
  }
  if (near.empty() && !homes.empty()) near = homes.back();
  std::string text =
      StrCat("no matches for kind ", Quote(kind), " in version ", Quote(api_version));
  if (!near.empty()) text += StrCat("; did you mean ", Quote(near), "?");
  Tell({Say(Severity::kError, at_version, "apiVersion", text)});
}

bool HasError(const std::vector<Diagnostic>& said) {
  return std::any_of(said.begin(), said.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

// What an API server answers and forgets is no object that could come back.
bool IsKept(const KindInfo& info) {
  std::string_view group = GroupOf(info.api_version);
  return group != "authentication.k8s.io" && group != "authorization.k8s.io" &&
         info.kind != "Binding";
}

void Loader::AddKnown(const Node& node, const KindInfo& info, std::vector<Diagnostic> said) {
  Support support = SupportOfKind(GroupOf(info.api_version), info.kind);
  bool lifted = !said.empty();
  if (support.status == Status::kNoMeaning) {
    std::string text = StrCat(info.kind, " has no meaning on one machine: ", support.meaning);
    if (noted_.insert(StrCat(info.api_version, " ", info.kind)).second) {
      said.push_back(Say(Severity::kNote, node, "", text));
    }
  } else if (support.status == Status::kNotYet) {
    said.push_back(Say(Severity::kWarning, node, "",
                       StrCat(info.kind, " is not carried out yet: ", support.meaning)));
  }
  StructureOptions options;
  options.file = file_;
  options.object = object_;
  options.drop_unknown = validate_ == Validate::kIgnore;
  options.tell_support = support.status == Status::kCarriedOut;
  Object object;
  std::vector<Diagnostic> before = said;
  object.json = CheckStructure(node, info.type, options, &noted_, &said);
  object.api_version = info.api_version;
  object.kind = info.kind;
  object.at = {file_, node.line, node.column};
  // An item of a typed list need not say what it is.
  object.json["apiVersion"] = object.api_version;
  object.json["kind"] = object.kind;
  const Json& metadata = At(object.json, "metadata");
  object.name = StringAt(metadata, "name");
  if (info.namespaced) object.ns = StringAt(metadata, "namespace", "default");
  if (info.namespaced && object.ns.empty()) object.ns = "default";
  bool named = !object.name.empty() || !StringAt(metadata, "generateName").empty();
  if (!named && IsKept(info) && !HasError(said)) {
    const Node* place = node.FindSet("metadata");
    said.push_back(Say(Severity::kError, place == nullptr ? node : *place, "metadata.name",
                       "Required value: name or generateName is required"));
  }
  if (!HasError(said) && IsKept(info)) CheckRules(object, node, lifted, &said);
  // What moved inside these kinds is not followed: an old form that does not fit is not kept.
  bool no_meaning = support.status == Status::kNoMeaning;
  if (no_meaning && lifted && HasError(said)) return Tell(std::move(before));
  if (!IsKept(info)) return Tell(std::move(said));
  Finish(std::move(object), std::move(said));
}

void Loader::Finish(Object object, std::vector<Diagnostic> said) {
  bool refused = std::any_of(said.begin(), said.end(), [&](const Diagnostic& d) {
    return d.severity == Severity::kError || (Strict() && d.severity == Severity::kWarning);
  });
  Tell(std::move(said));
  if (!refused) result_.objects.push_back(std::move(object));
}

LoadResult Loader::Take() {
  std::stable_sort(result_.diagnostics.begin(), result_.diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
                   });
  return std::move(result_);
}

}  // namespace

bool LoadResult::HasErrors() const { return HasError(diagnostics); }

LoadResult Load(std::string_view text, const std::string& file, Validate validate) {
  Loader loader(file, validate);
  for (const Document& document : ParseDocuments(text)) loader.AddDocument(document);
  return loader.Take();
}

}  // namespace kpod::kube
