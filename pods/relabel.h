// SELinux labels of what a container is given from outside of its own file systems.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "pods/plan.h"
#include "runtime/spec.h"
#include "store/paths.h"

namespace kpod::pods {

// Path and label of each bind mount that is to be given one: volumes and files of the pod where the
// container has a label, paths of the host only where the mount says so (":z" for all containers,
// ":Z" for this one). Images are not written to. Pure.
std::vector<std::pair<std::string, std::string>> LabelsOfMounts(const store::Paths& paths,
                                                                const Plan& plan,
                                                                const ContainerPlan& container,
                                                                const runtime::Spec& spec);
Status RelabelMounts(const store::Paths& paths, const Plan& plan, const ContainerPlan& container,
                     const runtime::Spec& spec);

}  // namespace kpod::pods
