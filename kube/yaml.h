// Text -> documents. YAML (one or many documents), KYAML and JSON streams, with what kubectl
// accepts: octal integers, trailing tabs, "..." marks, empty documents, duplicate keys, merge keys.
// Never throws; depth, number of nodes and the bytes that aliases copy are bounded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/node.h"

namespace kpod::kube {

constexpr int kMaxDepth = 512;
constexpr size_t kMaxNodes = 1000000;          // in one text, aliases expanded
constexpr size_t kMaxAliasedBytes = 64 << 20;  // copied by aliases
constexpr size_t kMaxProblems = 100;           // of one text; the rest would only repeat

struct Problem {
  bool error = true;  // otherwise a warning: a duplicate key
  int line = 0, column = 0;
  std::string path;  // "spec.containers[0].image"
  std::string text;
};

struct Document {
  Node root;  // kNull for an empty document
  int line = 1;
  std::vector<Problem> problems;  // with an error among them, root is not to be used
};

// A text that cannot be read at all (not UTF-8 ...) gives one document with one error.
std::vector<Document> ParseDocuments(std::string_view text);

}  // namespace kpod::kube
