// For kube/structure*.cc: the walk over a document beside its schema.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kube/structure.h"

namespace kpod::kube {

// Where a value stands: for the words of Go's decoder ("Go struct field EnvVar.value").
struct StructurePlace {
  std::string path;
  std::string_view type, field;
  const Entry* entry = nullptr;  // whose value it is; nullptr for an item of a list
  bool told = false;             // of support: a warning above covers what is below
  bool in_status = false;        // what a server writes may lack what a user must write
};

class StructureChecker {
 public:
  StructureChecker(const StructureOptions& options, std::set<std::string>* noted,
                   std::vector<Diagnostic>* out)
      : options_(options), noted_(noted), out_(out), first_(out->size()) {}

  void Struct(const Node& node, const Type& type, const StructurePlace& place, Json* out);

 private:
  void Value(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void List(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Map(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Key(const Entry& entry, const StructurePlace& place);
  void Word(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void String(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Number(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Integer(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Free(const Node& node, TypeRef type, const StructurePlace& place, Json* out);
  void Unknown(const Entry& entry, const StructurePlace& place);
  void Required(const Node& node, const Type& type, const StructurePlace& place);
  void Missing(const Node& node, const Type& type, const std::string& path, bool told);
  bool Support(const Node& node, const Entry& entry, const Type& type, const StructurePlace& place);
  void Mistyped(const Node& node, TypeRef type, const StructurePlace& place,
                std::string_view advice = {});
  void Add(Severity severity, int line, int column, const std::string& path, std::string text);

  const StructureOptions& options_;
  std::set<std::string>* noted_;
  std::vector<Diagnostic>* out_;
  size_t first_;
  size_t hints_ = 0;
  std::vector<Level> levels_;
};

}  // namespace kpod::kube
