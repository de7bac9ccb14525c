// A document against the schema: unknown, misplaced, mistyped and missing fields; what kpod does
// not carry out; and the values as JSON, of the types that Kubernetes' decoder gives them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "kube/node.h"
#include "kube/object.h"
#include "kube/schema.h"

namespace kpod::kube {

struct StructureOptions {
  std::string file;
  std::string object;         // "Deployment/web"
  bool drop_unknown = false;  // kubectl --validate=ignore
  bool tell_support = true;   // false: the kind as a whole is told of elsewhere
};

// Appends to `out`; `noted` holds what has been noted once already. The JSON is of use only when no
// error was appended.
Json CheckStructure(const Node& root, std::string_view type, const StructureOptions& options,
                    std::set<std::string>* noted, std::vector<Diagnostic>* out);

// Where an unknown field may belong (kube/structure_hints.cc).
struct Level {
  const Type* type;
  std::string path;
};
// `levels` leads from the object to the map that holds the field. "" when nothing is near.
std::string HintFor(const std::vector<Level>& levels, std::string_view field);

}  // namespace kpod::kube
