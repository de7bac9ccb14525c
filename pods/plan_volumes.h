// The volumes' share of MakePlan: where each comes from, and what mounts it.
#pragma once

#include "kube/types.h"
#include "pods/make_plan.h"
#include "pods/plan.h"

namespace kpod::pods {

// A source that leads nowhere blocks the pod.
VolumePlan PlanVolume(const kube::Pod& pod, const kube::Volume& volume, const Lookups& lookups,
                      Blocked* blocked);

// In an order that nests. `vars` expands subPathExpr; one that does not resolve blocks the
// container, and so does the image of a volume that is not here.
void PlanMounts(const std::vector<VolumePlan>& volumes, const kube::Container& container,
                const kube::StringMap& vars, ContainerPlan* out);
// volumeDevices; what is no device blocks the container.
void PlanDevices(const std::vector<VolumePlan>& volumes, const kube::Container& container,
                 ContainerPlan* out);

}  // namespace kpod::pods
