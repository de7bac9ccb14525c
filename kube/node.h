// A YAML document as a tree in which every value knows its line and column. The seam between the
// scanner edge (kube/yaml.cc, the only place that knows yaml-cpp) and all that looks at documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpod::kube {

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;  // text as decoded
  bool plain = false;  // unquoted: subject to type resolution ("yes", "0755", "1.5")
  int line = 0;        // 1-based, of the value
  int column = 0;      // 1-based
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order written; no key twice

  bool IsNull() const { return kind == Kind::kNull; }
  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsMap() const { return kind == Kind::kMap; }

  // The value below a key of a map; nullptr when absent, or when this is no map.
  const Node* Find(std::string_view key) const;
  // The same, and an explicit null ("emptyDir:") counts as absent.
  const Node* FindSet(std::string_view key) const;
  // The text of a scalar below a key; empty when absent or no scalar.
  std::string_view TextAt(std::string_view key) const;
};

struct Entry {
  std::string key;
  int line = 0;  // of the key
  int column = 0;
  Node value;
};

}  // namespace kpod::kube
