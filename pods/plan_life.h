// Of a container's plan: when it starts again, what asks after its health, what runs at its start
// and before its end. Pure.
#pragma once

#include "kube/types.h"
#include "pods/plan.h"

namespace kpod::pods {

// `vars`: what $(NAME) in a probe's command may refer to.
void PlanLife(const kube::PodSpec& pod, const kube::Container& container, bool init,
              const kube::StringMap& vars, ContainerPlan* out);

}  // namespace kpod::pods
