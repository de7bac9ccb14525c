#include "kube/node.h"

namespace kpod::kube {

const Node* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

const Node* Node::FindSet(std::string_view key) const {
  const Node* found = Find(key);
  return found != nullptr && !found->IsNull() ? found : nullptr;
}

std::string_view Node::TextAt(std::string_view key) const {
  const Node* found = Find(key);
  return found != nullptr && found->IsScalar() ? std::string_view(found->scalar)
                                               : std::string_view();
}

}  // namespace kpod::kube
