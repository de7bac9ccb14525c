#include "runtime/spec.h"

namespace kpod::runtime {

const Namespace* Spec::Find(std::string_view namespace_type) const {
  for (const Namespace& n : namespaces) {
    if (n.type == namespace_type) return &n;
  }
  return nullptr;
}

}  // namespace kpod::runtime
