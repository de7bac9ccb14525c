// A Kubernetes object as kpod keeps it: normalized JSON (types coerced as kubectl's decoder would,
// nulls dropped, removed API versions lifted to their present form), and where it was written.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace kpod::kube {

struct Position {
  std::string file;  // as the user named it; "-" for standard input
  int line = 0;      // 1-based; 0: unknown
  int column = 0;    // 1-based
};

enum class Severity {
  kNote,     // has no meaning on one machine (nodeSelector ...): said once a path, never an error
  kWarning,  // valid Kubernetes that kpod does not carry out, duplicate keys, removed API versions
  kError,    // unknown, misplaced or mistyped; refused
};

struct Diagnostic {
  Severity severity = Severity::kError;
  Position at;
  std::string object;  // "Deployment/web", or "" before the kind is known
  std::string path;    // "spec.template.spec.containers[0].image"
  std::string text;    // one sentence: what is wrong, what would be right

  // "web.yaml:12:9: error: Deployment/web: spec.replicas: ..."
  std::string ToString() const;
};

struct Object {
  std::string api_version, kind, ns,
      name;  // ns: "default" when the file says nothing; "" for cluster-scoped kinds
  Json json;
  Position at;  // of the document

  std::string Key() const { return kind + "/" + ns + "/" + name; }
};

}  // namespace kpod::kube
