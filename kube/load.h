// Text (YAML, KYAML or JSON, one or many documents, kind: List unwrapped) -> objects and
// diagnostics. Pure.
//
// Steps, each a file of its own: yaml (text -> Node tree with positions, the traps that kubectl
// accepts), schema (the table of every kind and field of Kubernetes v1.36), structure (Node against
// the schema: unknown, misplaced, mistyped, not carried out), rules (names, quantities, enums,
// cross-field rules in Kubernetes' own words).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace kpod::kube {

enum class Validate { kStrict, kWarn, kIgnore };

struct LoadResult {
  std::vector<Object> objects;          // in the order of the file; those with errors are left out
  std::vector<Diagnostic> diagnostics;  // in the order of the file
  bool HasErrors() const;
};

// kStrict turns warnings into errors (notes stay notes). kIgnore drops warnings and notes, and
// unknown fields are dropped with them, as kubectl --validate=ignore does; mistyped values stay
// errors.
LoadResult Load(std::string_view text, const std::string& file,
                Validate validate = Validate::kWarn);

// The object as YAML in kubectl's style (two-space indent, sequences not indented below their key).
// Plays again to the same object.
std::string ToYaml(const Json& object);

}  // namespace kpod::kube
