// Every kind and field of Kubernetes v1.36: the text of schema_data.inc, read where it lies.
//
// The table is sorted text of 86 KB in the read-only part of the program. Nothing is parsed at
// start: a type is found by binary search over the text and its fields are read when it is first
// asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpod::kube {

// What a value may be. A type reference is "string", "[EnvVar]", "{quantity}" ... (see
// scripts/make-schema.py); this is its outermost part.
enum class Shape {
  kString,
  kInt32,
  kInt64,
  kBool,
  kDouble,
  kQuantity,
  kIntOrString,
  kTime,
  kMicroTime,
  kBytes,
  kAny,
  kFreeObject,  // a map whose contents are not looked at
  kStruct,
  kList,
  kMap,
};

struct TypeRef {
  std::string_view text;

  Shape shape() const;
  bool IsWord() const;         // no list, map or struct
  TypeRef Element() const;     // of a list or a map
  std::string GoName() const;  // as Go's decoder names it: "[]string", "map[string]string", "int32"
};

struct Field {
  std::string_view name;
  TypeRef type;
  bool required = false;
};

struct Type {
  std::string_view name;
  std::vector<Field> fields;  // sorted by name
  const Field* Find(std::string_view field) const;
};

struct KindInfo {
  std::string_view api_version, kind;
  std::string_view type;
  bool namespaced = true;
};

// nullptr when there is no such type. Lives as long as the program.
const Type* FindType(std::string_view name);
std::optional<KindInfo> FindKind(std::string_view api_version, std::string_view kind);
const std::vector<KindInfo>& AllKinds();
std::vector<std::string_view> AllTypeNames();

std::string_view GroupOf(std::string_view api_version);    // "apps/v1" -> "apps"; "v1" -> ""
std::string_view VersionOf(std::string_view api_version);  // "apps/v1" -> "v1"
bool IsKnownGroup(std::string_view group);

// The whole table, for the test that compares it with the published document.
std::string_view SchemaText();

}  // namespace kpod::kube
