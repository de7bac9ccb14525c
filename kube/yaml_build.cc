#include "kube/yaml_build.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "kube/yaml_scalar.h"
#include "kube/yaml_text.h"

namespace kpod::kube {
namespace {

void Measure(const Node& node, int depth, size_t* nodes, size_t* bytes, int* deepest) {
  ++*nodes;
  *bytes += node.scalar.size();
  *deepest = std::max(*deepest, depth);
  for (const Node& item : node.items) Measure(item, depth + 1, nodes, bytes, deepest);
  for (const Entry& entry : node.entries) {
    *bytes += entry.key.size();
    Measure(entry.value, depth + 1, nodes, bytes, deepest);
  }
}

// The text of a key as Go's conversion to JSON writes it: "true" for yes, "8" for 010.
bool KeyText(const Node& node, std::string* out) {
  if (!node.IsScalar()) return false;
  struct Scalar scalar = Resolve(node);
  switch (scalar.kind) {
    case Scalar::Kind::kNull:
      return false;
    case Scalar::Kind::kBool:
      *out = scalar.boolean ? "true" : "false";
      return true;
    case Scalar::Kind::kInt:
      *out = StrCat(scalar.integer);
      return true;
    case Scalar::Kind::kUnsigned:
      *out = StrCat(scalar.unsigned_integer);
      return true;
    case Scalar::Kind::kFloat:
      *out = std::isfinite(scalar.number) ? GoNumber(scalar.number) : node.scalar;
      return true;
    case Scalar::Kind::kString:
      *out = node.scalar;
      return true;
  }
  return false;
}

}  // namespace

bool Builder::Fail(int line, int column, std::string text) {
  if (!failed_) problems_.push_back({true, line, column, "", std::move(text)});
  failed_ = true;
  return false;
}

bool Builder::Spend(int line, int column) {
  if (failed_) return false;
  if (budget_->nodes == 0) {
    return Fail(line, column, StrCat("more than ", kMaxNodes, " values; a bomb of aliases?"));
  }
  --budget_->nodes;
  return true;
}

bool Builder::Scalar(int line, int column, std::string_view tag, std::string text,
                     uint64_t anchor) {
  if (!Spend(line, column)) return false;
  Node node;
  node.kind = Node::Kind::kScalar;
  node.line = line;
  node.column = column;
  node.scalar = std::move(text);
  constexpr std::string_view kYaml = "tag:yaml.org,2002:";
  std::string_view short_tag = tag;
  if (short_tag.starts_with(kYaml)) short_tag.remove_prefix(kYaml.size());
  bool typed = short_tag.size() < tag.size() && (short_tag == "int" || short_tag == "float" ||
                                                 short_tag == "bool" || short_tag == "null");
  node.plain = tag == "?" || typed;
  if (short_tag.size() < tag.size() && short_tag == "binary") {
    auto bytes = Base64Decode(node.scalar);
    if (!bytes) return Fail(line, column, "!!binary value contains invalid base64 data");
    node.scalar = ValidUtf8(*bytes);
  }
  if (node.plain && ResolvePlain(node.scalar).kind == Scalar::Kind::kNull) {
    node.kind = Node::Kind::kNull;
  }
  return Add(std::move(node), anchor);
}

bool Builder::Null(int line, int column, uint64_t anchor) {
  if (!Spend(line, column)) return false;
  Node node;
  node.plain = true;
  node.line = line;
  node.column = column;
  return Add(std::move(node), anchor);
}

bool Builder::Alias(int line, int column, uint64_t anchor) {
  if (failed_) return false;
  auto found = anchors_.find(anchor);
  if (found == anchors_.end())
    return Fail(line, column, "an alias to a value that contains itself");
  const Anchored& anchored = found->second;
  if (static_cast<int>(stack_.size()) + anchored.depth > kMaxDepth) {
    return Fail(line, column, StrCat("nested deeper than ", kMaxDepth, " levels"));
  }
  if (budget_->nodes < anchored.nodes || budget_->aliased_bytes < anchored.bytes) {
    return Fail(line, column, "aliases expand to too much; a bomb?");
  }
  budget_->nodes -= anchored.nodes;
  budget_->aliased_bytes -= anchored.bytes;
  Node copy = anchored.node;
  if (copy.entries.empty() && copy.items.empty()) {
    // A scalar is where it is used; what is inside a collection stays where it was written.
    copy.line = line;
    copy.column = column;
  }
  return Add(std::move(copy), 0);
}

bool Builder::Start(Node::Kind kind, int line, int column, uint64_t anchor) {
  if (!Spend(line, column)) return false;
  if (stack_.size() >= kMaxDepth) {
    return Fail(line, column, StrCat("nested deeper than ", kMaxDepth, " levels"));
  }
  Frame frame;
  frame.node.kind = kind;
  frame.node.line = line;
  frame.node.column = column;
  frame.anchor = anchor;
  stack_.push_back(std::move(frame));
  return true;
}

bool Builder::End() {
  if (failed_ || stack_.empty()) return false;
  if (!Merge(&stack_.back())) return false;
  Node node = std::move(stack_.back().node);
  uint64_t anchor = stack_.back().anchor;
  stack_.pop_back();
  return Add(std::move(node), anchor);
}

bool Builder::Add(Node node, uint64_t anchor) {
  if (anchor != 0) {
    Anchored anchored;
    Measure(node, 1, &anchored.nodes, &anchored.bytes, &anchored.depth);
    if (budget_->nodes < anchored.nodes) {
      return Fail(node.line, node.column, "anchors hold too much; a bomb of aliases?");
    }
    budget_->nodes -= anchored.nodes;
    anchored.node = node;
    anchors_[anchor] = std::move(anchored);
  }
  if (stack_.empty()) {
    root_ = std::move(node);
    return true;
  }
  Frame& top = stack_.back();
  if (top.node.IsSequence()) {
    top.node.items.push_back(std::move(node));
    return true;
  }
  if (!top.key) return AddKey(&top, node);
  AddEntry(&top, std::move(node));
  return true;
}

bool Builder::AddKey(Frame* frame, const Node& node) {
  Entry entry;
  entry.line = node.line;
  entry.column = node.column;
  if (!KeyText(node, &entry.key)) {
    return Fail(node.line, node.column,
                node.IsNull() ? "a key must not be null" : "a key must be a string");
  }
  frame->merge_key = node.plain && entry.key == "<<";
  frame->key = std::move(entry);
  return true;
}

void Builder::AddEntry(Frame* frame, Node value) {
  Entry entry = std::move(*frame->key);
  frame->key.reset();
  if (frame->merge_key) {
    frame->merges.push_back(std::move(value));
    return;
  }
  // The parser tells of a value that is not there by the place of what follows.
  if (value.IsNull() && value.line != entry.line) {
    value.line = entry.line;
    value.column = entry.column;
  }
  auto [position, is_new] = frame->positions.emplace(entry.key, frame->node.entries.size());
  if (!is_new) {
    Entry& first = frame->node.entries[position->second];
    if (problems_.size() < kMaxProblems) {
      problems_.push_back(
          {false, entry.line, entry.column, PathOf(entry.key),
           StrCat("duplicate key; the first is on line ", first.line, ", and this one is taken")});
    }
    first = std::move(entry);
    first.value = std::move(value);
    return;
  }
  entry.value = std::move(value);
  frame->node.entries.push_back(std::move(entry));
}

// https://yaml.org/type/merge.html: keys written in the map win over merged ones, and earlier maps
// of a list over later ones.
bool Builder::Merge(Frame* frame) {
  for (const Node& value : frame->merges) {
    if (value.IsMap()) {
      if (!MergeMap(frame, value)) return false;
      continue;
    }
    bool all_maps = value.IsSequence() && std::all_of(value.items.begin(), value.items.end(),
                                                      [](const Node& n) { return n.IsMap(); });
    if (!all_maps) {
      return Fail(value.line, value.column,
                  "map merge requires map or sequence of maps as the value");
    }
    for (const Node& item : value.items) {
      if (!MergeMap(frame, item)) return false;
    }
  }
  frame->merges.clear();
  return true;
}

bool Builder::MergeMap(Frame* frame, const Node& from) {
  for (const Entry& entry : from.entries) {
    if (!Spend(entry.line, entry.column)) return false;
    if (!frame->positions.emplace(entry.key, frame->node.entries.size()).second) continue;
    frame->node.entries.push_back(entry);
  }
  return true;
}

std::string Builder::PathOf(const std::string& last_key) const {
  std::string path;
  for (const Frame& frame : stack_) {
    if (frame.node.IsSequence()) {
      path += StrCat('[', frame.node.items.size(), ']');
    } else {
      if (!path.empty()) path += '.';
      path += &frame == &stack_.back() ? last_key : frame.key ? frame.key->key : "";
    }
  }
  return path;
}

}  // namespace kpod::kube
