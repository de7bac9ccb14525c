#include "kube/structure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/text.h"
#include "kube/quantity.h"
#include "kube/support.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {
namespace {

constexpr size_t kMaxDiagnostics = 1000;  // of one object
constexpr size_t kMaxHints = 50;          // they search the schema

// Where a value stands: for the words of Go's decoder ("Go struct field EnvVar.value").
struct Place {
  std::string path;
  std::string_view type, field;
  const Entry* entry = nullptr;  // whose value it is; nullptr for an item of a list
  bool told = false;             // of support: a warning above covers what is below
  bool in_status = false;        // what a server writes may lack what a user must write
};

class Checker {
 public:
  Checker(const StructureOptions& options, std::set<std::string>* noted,
          std::vector<Diagnostic>* out)
      : options_(options), noted_(noted), out_(out), first_(out->size()) {}

  void Struct(const Node& node, const Type& type, const Place& place, Json* out);

 private:
  void Value(const Node& node, TypeRef type, const Place& place, Json* out);
  void List(const Node& node, TypeRef type, const Place& place, Json* out);
  void Map(const Node& node, TypeRef type, const Place& place, Json* out);
  void Key(const Entry& entry, const Place& place);
  void Word(const Node& node, TypeRef type, const Place& place, Json* out);
  void String(const Node& node, TypeRef type, const Place& place, Json* out);
  void Number(const Node& node, TypeRef type, const Place& place, Json* out);
  void Integer(const Node& node, TypeRef type, const Place& place, Json* out);
  void Free(const Node& node, TypeRef type, const Place& place, Json* out);
  void Unknown(const Entry& entry, const Place& place);
  void Required(const Node& node, const Type& type, const Place& place);
  void Missing(const Node& node, const Type& type, const std::string& path, bool told);
  bool Support(const Node& node, const Entry& entry, const Type& type, const Place& place);
  void Mistyped(const Node& node, TypeRef type, const Place& place, std::string_view advice = {});
  void Add(Severity severity, int line, int column, const std::string& path, std::string text);

  const StructureOptions& options_;
  std::set<std::string>* noted_;
  std::vector<Diagnostic>* out_;
  size_t first_;
  size_t hints_ = 0;
  std::vector<Level> levels_;
};

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

void Checker::Add(Severity severity, int line, int column, const std::string& path,
                  std::string text) {
  if (out_->size() - first_ >= kMaxDiagnostics) return;
  out_->push_back(
      {severity, {options_.file, line, column}, options_.object, path, std::move(text)});
}

void Checker::Mistyped(const Node& node, TypeRef type, const Place& place,
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

void Checker::Value(const Node& node, TypeRef type, const Place& place, Json* out) {
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

void Checker::Struct(const Node& node, const Type& type, const Place& place, Json* out) {
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
    Place below{Below(place.path, field->name),
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

void Checker::Required(const Node& node, const Type& type, const Place& place) {
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

void Checker::Missing(const Node& node, const Type& type, const std::string& path, bool told) {
  for (const Field& field : type.fields) {
    if (!field.required) continue;
    const Node* found = node.Find(field.name);
    if (found != nullptr && !found->IsNull()) continue;
    if (found != nullptr && told && field.type.IsWord()) continue;
    const Node& at = found != nullptr ? *found : node;
    Add(Severity::kError, at.line, at.column, Below(path, field.name), "Required value");
  }
}

void Checker::Unknown(const Entry& entry, const Place& place) {
  std::string hint = hints_ < kMaxHints ? HintFor(levels_, entry.key) : "";
  ++hints_;
  std::string text = "unknown field";
  if (!hint.empty()) text += StrCat("; ", hint);
  Add(Severity::kError, entry.line, entry.column, Below(place.path, entry.key), std::move(text));
}

// A value that asks for nothing: false, "", [] or {}.
bool AsksForNothing(const Node& node) {
  if (!node.IsScalar()) return node.items.empty() && node.entries.empty();
  Scalar scalar = Resolve(node);
  return scalar.kind == Scalar::Kind::kBool ? !scalar.boolean : node.scalar.empty();
}

// A tmpfs has a size; a directory on disk has none.
bool IsLimitOfMemory(const Node& node, const Entry& entry, const Type& type) {
  if (type.name != "EmptyDirVolumeSource" || entry.key != "sizeLimit") return false;
  const Node* medium = node.Find("medium");
  return medium != nullptr && medium->IsScalar() && medium->scalar == "Memory";
}

// True when what is below needs no telling of its own.
bool Checker::Support(const Node& node, const Entry& entry, const Type& type, const Place& place) {
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

void Checker::List(const Node& node, TypeRef type, const Place& place, Json* out) {
  *out = Json::array();
  if (!node.IsSequence()) {
    return Mistyped(node, type, place, node.IsMap() ? "begin each item with \"- \"" : "");
  }
  TypeRef element = type.Element();
  Place below = place;
  below.entry = nullptr;
  for (size_t i = 0; i < node.items.size(); ++i) {
    below.path = StrCat(place.path, "[", i, "]");
    out->push_back(nullptr);
    Value(node.items[i], element, below, &out->back());
  }
}

void Checker::Map(const Node& node, TypeRef type, const Place& place, Json* out) {
  *out = Json::object();
  if (!node.IsMap()) return Mistyped(node, type, place);
  TypeRef element = type.Element();
  Place below = place;
  for (const Entry& entry : node.entries) {
    below.path = Below(place.path, entry.key);
    below.entry = &entry;
    if (!place.told) Key(entry, below);
    Value(entry.value, element, below, &AppendMember(out, entry.key));
  }
}

void Checker::Key(const Entry& entry, const Place& place) {
  struct Support support = SupportOfKey(place.type, place.field, entry.key);
  if (support.status != Status::kNotYet || entry.value.IsNull()) return;
  Add(Severity::kWarning, entry.line, entry.column, place.path,
      StrCat("not carried out yet: ", support.meaning));
}

void Checker::Free(const Node& node, TypeRef type, const Place& place, Json* out) {
  if (type.shape() == Shape::kFreeObject && !node.IsMap()) return Mistyped(node, type, place);
  const Node* bad = nullptr;
  if (!ToJson(node, out, &bad)) {
    Add(Severity::kError, bad->line, bad->column, place.path,
        StrCat("unsupported value: ", bad->scalar));
  }
}

// Strings, numbers, booleans. A null in a list or a map is the zero value, as Go's decoder has it.
void Checker::Word(const Node& node, TypeRef type, const Place& place, Json* out) {
  if (node.IsMap() || node.IsSequence()) return Mistyped(node, type, place);
  Scalar scalar = Resolve(node);
  if (scalar.kind == Scalar::Kind::kFloat && !std::isfinite(scalar.number)) {
    return Add(Severity::kError, node.line, node.column, place.path,
               StrCat("unsupported value: ", node.scalar));
  }
  switch (type.shape()) {
    case Shape::kBool:
      *out = scalar.boolean;
      if (!node.IsNull() && scalar.kind != Scalar::Kind::kBool) {
        bool word = scalar.kind == Scalar::Kind::kString &&
                    ResolvePlain(node.scalar).kind == Scalar::Kind::kBool;
        Mistyped(node, type, place, word ? "write it without quotes" : "");
      }
      return;
    case Shape::kInt32:
    case Shape::kInt64:
      return Integer(node, type, place, out);
    case Shape::kDouble:
      return Number(node, type, place, out);
    case Shape::kIntOrString:
      if (scalar.kind == Scalar::Kind::kString) {
        *out = std::string(scalar.text);
        return;
      }
      return Integer(node, {"int32"}, place, out);
    default:
      return String(node, type, place, out);
  }
}

void Checker::Integer(const Node& node, TypeRef type, const Place& place, Json* out) {
  Scalar scalar = Resolve(node);
  int64_t value = 0;
  bool fits = true;
  switch (scalar.kind) {
    case Scalar::Kind::kNull:
      break;
    case Scalar::Kind::kInt:
      value = scalar.integer;
      break;
    case Scalar::Kind::kFloat:
      // 1.0 and 1e3 reach Go's decoder as 1 and 1000.
      fits = std::fabs(scalar.number) < 9.2e18 && scalar.number == std::floor(scalar.number);
      if (fits) value = static_cast<int64_t>(scalar.number);
      break;
    default:
      fits = false;
  }
  if (fits && type.shape() == Shape::kInt32) {
    fits = value >= std::numeric_limits<int32_t>::min() &&
           value <= std::numeric_limits<int32_t>::max();
  }
  *out = value;
  if (fits) return;
  bool number_in_quotes =
      scalar.kind == Scalar::Kind::kString && ResolvePlain(node.scalar).kind == Scalar::Kind::kInt;
  Mistyped(node, type, place, number_in_quotes ? "write it without quotes" : "");
}

void Checker::Number(const Node& node, TypeRef type, const Place& place, Json* out) {
  Scalar scalar = Resolve(node);
  *out = 0;
  if (scalar.kind == Scalar::Kind::kInt || scalar.kind == Scalar::Kind::kFloat ||
      scalar.kind == Scalar::Kind::kUnsigned) {
    const Node* bad = nullptr;
    ToJson(node, out, &bad);
  } else if (!node.IsNull()) {
    Mistyped(node, type, place);
  }
}

void Checker::String(const Node& node, TypeRef type, const Place& place, Json* out) {
  Scalar scalar = Resolve(node);
  Shape shape = type.shape();
  *out = std::string(scalar.text);
  if (node.IsNull()) {
    *out = shape == Shape::kQuantity ? "0" : "";
    return;
  }
  if (shape == Shape::kQuantity && scalar.kind != Scalar::Kind::kString) {
    if (scalar.kind == Scalar::Kind::kInt) {
      *out = StrCat(scalar.integer);
    } else if (scalar.kind == Scalar::Kind::kUnsigned) {
      *out = StrCat(scalar.unsigned_integer);
    } else if (scalar.kind == Scalar::Kind::kFloat) {
      *out = GoNumber(scalar.number);
    } else {
      Mistyped(node, type, place);
    }
    return;
  }
  if (scalar.kind != Scalar::Kind::kString) {
    return Mistyped(node, type, place, StrCat("quote it: ", Quote(node.scalar)));
  }
  auto refuse = [&](std::string text) {
    Add(Severity::kError, node.line, node.column, place.path, std::move(text));
  };
  if (shape == Shape::kBytes && !Base64Decode(scalar.text)) {
    refuse(StrCat("illegal base64 data",
                  place.type == "Secret" ? "; plain text belongs under stringData" : ""));
  } else if ((shape == Shape::kTime || shape == Shape::kMicroTime) && !ParseTime(scalar.text)) {
    refuse(StrCat("parsing time ", Quote(scalar.text), ": not of the form 2006-01-02T15:04:05Z"));
  } else if (shape == Shape::kQuantity && !ParseQuantity(scalar.text)) {
    refuse(
        StrCat("quantities must match the regular expression "
               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', not ",
               Quote(scalar.text)));
  }
}

}  // namespace

Json CheckStructure(const Node& root, std::string_view type, const StructureOptions& options,
                    std::set<std::string>* noted, std::vector<Diagnostic>* out) {
  Json json = Json::object();
  const Type* found = FindType(type);
  if (found == nullptr) return json;
  Place top;
  top.told = !options.tell_support;
  Checker(options, noted, out).Struct(root, *found, top, &json);
  return json;
}

}  // namespace kpod::kube
