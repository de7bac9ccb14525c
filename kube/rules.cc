#include "kube/rules.h"

namespace kpod::kube {

void CheckRules(const Object&, const Node&, std::vector<Diagnostic>*) {}

}  // namespace kpod::kube
