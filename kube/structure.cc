#include "kube/structure.h"

#include "base/text.h"
#include "kube/structure_checker.h"
#include "kube/support.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {

namespace {

constexpr size_t kMaxDiagnostics = 1000;  // of one object
constexpr size_t kMaxHints = 50;          // they search the schema

// As Go's decoder calls what it met.
std::string WhatIs(const Node& node) {
  if (node.IsMap()) return "object";
  if (node.IsSequence()) return "array";
  Scalar scalar = Resolve(node);
  switch (scalar.kind) {
    case Scalar::Kind::kNull:
      return "null";
    case Scalar::Kind::kBool:
      return "bool";
    case Scalar::Kind::kString:
      return "string";
    default:
      return "number";
  }
}

std::string Below(const std::string& path, std::string_view field) {
  return path.empty() ? std::string(field) : StrCat(path, ".", field);
}

// A value that asks for nothing: false, "", [] or {}.
bool AsksForNothing(const Node& node) {
  if (!node.IsScalar()) return node.items.empty() && node.entries.empty();
  Scalar scalar = Resolve(node);
  return scalar.kind == Scalar::Kind::kBool ? !scalar.boolean : node.scalar.empty();
}

// A tmpfs and a hugetlbfs have a size; a directory on disk has none.
bool IsLimitOfMemory(const Node& node, const Entry& entry, const Type& type) {
  if (type.name != "EmptyDirVolumeSource" || entry.key != "sizeLimit") return false;
  const Node* medium = node.Find("medium");
  return medium != nullptr && medium->IsScalar() &&
         (medium->scalar == "Memory" || medium->scalar.starts_with("HugePages"));
}

}  // namespace

void StructureChecker::Add(Severity severity, int line, int column, const std::string& path,
                           std::string text) {
  if (out_->size() - first_ >= kMaxDiagnostics) return;
  out_->push_back(
      {severity, {options_.file, line, column}, options_.object, path, std::move(text)});
}

void StructureChecker::Mistyped(const Node& node, TypeRef type, const StructurePlace& place,
                                std::string_view advice) {
  std::string what = WhatIs(node);
  if (what == "number") what += " " + node.scalar;
  std::string text = StrCat("cannot unmarshal ", what, " into Go struct field ", place.type, ".",
                            place.field, " of type ", type.GoName());
  if (!advice.empty()) text += StrCat("; ", advice);
  // A map or list that stands below its key is the key's mistake.
  bool below = place.entry != nullptr && !node.IsScalar() && node.line > place.entry->line;
  Add(Severity::kError, below ? place.entry->line : node.line,
      below ? place.entry->column : node.column, place.path, std::move(text));
}

void StructureChecker::Value(const Node& node, TypeRef type, const StructurePlace& place,
                             Json* out) {
  switch (type.shape()) {
    case Shape::kStruct: {
      const Type* found = FindType(type.text);
      if (found == nullptr) return;
      if (node.IsMap() || node.IsNull()) return Struct(node, *found, place, out);
      return Mistyped(node, type, place);
    }
    case Shape::kList:
      return List(node, type, place, out);
    case Shape::kMap:
      return Map(node, type, place, out);
    case Shape::kAny:
    case Shape::kFreeObject:
      return Free(node, type, place, out);
    default:
      return Word(node, type, place, out);
  }
}

void StructureChecker::Struct(const Node& node, const Type& type, const StructurePlace& place,
                              Json* out) {
  *out = Json::object();
  levels_.push_back({&type, place.path});
  for (const Entry& entry : node.entries) {
    const Field* field = type.Find(entry.key);
    if (field == nullptr) {
      if (!options_.drop_unknown) Unknown(entry, place);
      continue;
    }
    // Go's decoder takes a null for the zero value; what is carried out needs a real one.
    bool zero = field->required && place.told && field->type.IsWord();
    if (entry.value.IsNull() && !zero) continue;
    StructurePlace below{Below(place.path, field->name),
                         type.name.substr(type.name.rfind('.') + 1),
                         field->name,
                         &entry,
                         place.told,
                         place.in_status || field->name == "status"};
    if (!place.told) below.told = Support(node, entry, type, below);
    Value(entry.value, field->type, below, &AppendMember(out, entry.key));
  }
  if (!place.in_status) Required(node, type, place);
  levels_.pop_back();
}

void StructureChecker::Required(const Node& node, const Type& type, const StructurePlace& place) {
  Missing(node, type, place.path, place.told);
  // A spec that is not there counts as an empty one in Kubernetes: "spec.containers: Required
  // value".
  const Field* spec = type.Find("spec");
  if (spec == nullptr || spec->required || node.FindSet("spec") != nullptr) return;
  const Type* spec_type =
      spec->type.shape() == Shape::kStruct ? FindType(spec->type.text) : nullptr;
  if (spec_type == nullptr) return;
  Node absent;
  absent.line = node.line;
  absent.column = node.column;
  Missing(absent, *spec_type, Below(place.path, "spec"), place.told);
}

void StructureChecker::Missing(const Node& node, const Type& type, const std::string& path,
                               bool told) {
  for (const Field& field : type.fields) {
    if (!field.required) continue;
    const Node* found = node.Find(field.name);
    if (found != nullptr && !found->IsNull()) continue;
    if (found != nullptr && told && field.type.IsWord()) continue;
    const Node& at = found != nullptr ? *found : node;
    Add(Severity::kError, at.line, at.column, Below(path, field.name), "Required value");
  }
}

void StructureChecker::Unknown(const Entry& entry, const StructurePlace& place) {
  std::string hint = hints_ < kMaxHints ? HintFor(levels_, entry.key) : "";
  ++hints_;
  std::string text = "unknown field";
  if (!hint.empty()) text += StrCat("; ", hint);
  Add(Severity::kError, entry.line, entry.column, Below(place.path, entry.key), std::move(text));
}

// True when what is below needs no telling of its own.
bool StructureChecker::Support(const Node& node, const Entry& entry, const Type& type,
                               const StructurePlace& place) {
  if (!options_.tell_support) return true;
  if (IsLimitOfMemory(node, entry, type)) return false;
  struct Support support = SupportOfField(type.name, entry.key);
  if (support.status == Status::kCarriedOut) return false;
  if (support.status == Status::kNoMeaning) {
    if (noted_->insert(StrCat(type.name, ".", entry.key)).second) {
      Add(Severity::kNote, entry.line, entry.column, place.path,
          StrCat("has no meaning on one machine: ", support.meaning));
    }
    return true;
  }
  // Where a value is known that asks for what happens anyway, no other does: "hostUsers: false"
  // asks for something.
  bool harmless =
      support.harmless == "true"
          ? entry.value.IsScalar() && entry.value.scalar == "true"
          : AsksForNothing(entry.value) || (!support.harmless.empty() && entry.value.IsScalar() &&
                                            entry.value.scalar == support.harmless);
  if (!harmless) {
    Add(Severity::kWarning, entry.line, entry.column, place.path,
        StrCat("not carried out yet: ", support.meaning));
  }
  return true;
}

void StructureChecker::List(const Node& node, TypeRef type, const StructurePlace& place,
                            Json* out) {
  *out = Json::array();
  if (!node.IsSequence()) {
    return Mistyped(node, type, place, node.IsMap() ? "begin each item with \"- \"" : "");
  }
  TypeRef element = type.Element();
  StructurePlace below = place;
  below.entry = nullptr;
  for (size_t i = 0; i < node.items.size(); ++i) {
    below.path = StrCat(place.path, "[", i, "]");
    out->push_back(nullptr);
    Value(node.items[i], element, below, &out->back());
  }
}

void StructureChecker::Map(const Node& node, TypeRef type, const StructurePlace& place, Json* out) {
  *out = Json::object();
  if (!node.IsMap()) return Mistyped(node, type, place);
  TypeRef element = type.Element();
  StructurePlace below = place;
  for (const Entry& entry : node.entries) {
    below.path = Below(place.path, entry.key);
    below.entry = &entry;
    if (!place.told) Key(entry, below);
    Value(entry.value, element, below, &AppendMember(out, entry.key));
  }
}

void StructureChecker::Key(const Entry& entry, const StructurePlace& place) {
  struct Support support = SupportOfKey(place.type, place.field, entry.key);
  if (support.status != Status::kNotYet || entry.value.IsNull()) return;
  Add(Severity::kWarning, entry.line, entry.column, place.path,
      StrCat("not carried out yet: ", support.meaning));
}

void StructureChecker::Free(const Node& node, TypeRef type, const StructurePlace& place,
                            Json* out) {
  if (type.shape() == Shape::kFreeObject && !node.IsMap()) return Mistyped(node, type, place);
  const Node* bad = nullptr;
  if (!ToJson(node, out, &bad)) {
    Add(Severity::kError, bad->line, bad->column, place.path,
        StrCat("unsupported value: ", bad->scalar));
  }
}

Json CheckStructure(const Node& root, std::string_view type, const StructureOptions& options,
                    std::set<std::string>* noted, std::vector<Diagnostic>* out) {
  Json json = Json::object();
  const Type* found = FindType(type);
  if (found == nullptr) return json;
  StructurePlace top;
  top.told = !options.tell_support;
  StructureChecker(options, noted, out).Struct(root, *found, top, &json);
  return json;
}

}  // namespace kpod::kube
