// Requests and limits of a plan, as numbers. Pure.
#pragma once

#include "kube/types.h"
#include "pods/plan.h"

namespace kpod::pods {

void PlanResources(const kube::Container& container, ContainerPlan* out);
void PlanPodResources(const kube::PodSpec& pod, Plan* out);

}  // namespace kpod::pods
