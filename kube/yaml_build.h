// Events of a scanner -> Node tree: anchors and aliases, merge keys, duplicate keys, limits. Used
// by the YAML edge and by the JSON scanner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kube/yaml.h"

namespace kpod::kube {

// What all documents of one text may use together.
struct Budget {
  size_t nodes = kMaxNodes;
  size_t aliased_bytes = kMaxAliasedBytes;
};

class Builder {
 public:
  explicit Builder(Budget* budget) : budget_(budget) {}

  // Each returns false after the first error, and the scanner should stop then.
  bool Scalar(int line, int column, std::string_view tag, std::string text, uint64_t anchor);
  bool Null(int line, int column, uint64_t anchor);
  bool Alias(int line, int column, uint64_t anchor);
  bool Start(Node::Kind kind, int line, int column, uint64_t anchor);
  bool End();
  bool Fail(int line, int column, std::string text);

  bool failed() const { return failed_; }
  Node TakeRoot() { return std::move(root_); }
  std::vector<Problem> TakeProblems() { return std::move(problems_); }

 private:
  struct Frame {
    Node node;
    uint64_t anchor = 0;
    std::optional<Entry> key;                           // read, and waiting for its value
    bool merge_key = false;                             // the key is an unquoted <<
    std::vector<Node> merges;                           // values of << keys
    std::unordered_map<std::string, size_t> positions;  // of keys in node.entries
  };
  struct Anchored {
    Node node;
    size_t nodes = 0, bytes = 0;
    int depth = 0;
  };

  bool Spend(int line, int column);
  bool Add(Node node, uint64_t anchor);
  bool AddKey(Frame* frame, const Node& node);
  void AddEntry(Frame* frame, Node value);
  bool Merge(Frame* frame);
  bool MergeMap(Frame* frame, const Node& from);
  std::string PathOf(const std::string& last_key) const;

  Budget* budget_;
  bool failed_ = false;
  Node root_;
  std::vector<Frame> stack_;
  std::map<uint64_t, Anchored> anchors_;
  std::vector<Problem> problems_;
};

}  // namespace kpod::kube
