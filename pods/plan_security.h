// What a container may do, from its own security context and its pod's.
#pragma once

#include <optional>

#include "kube/types.h"
#include "pods/plan.h"
#include "runtime/apparmor.h"

namespace kpod::pods {

void PlanSecurity(const kube::Pod& pod, const kube::Container& container, ContainerPlan* out);

// The effective capability set, with CAP_: the runtime's defaults, less drop, plus add ("ALL" is
// all). Names in any case, with or without CAP_, as container runtimes take them.
std::vector<std::string> EffectiveCapabilities(const kube::SecurityContext& context);

// The AppArmor profile in force for a container: its own field, else the annotation of the API
// before 1.30, else the pod's. Source: pkg/security/apparmor of Kubernetes.
std::optional<kube::AppArmorProfile> AppArmorOf(const kube::Pod& pod,
                                                const kube::Container& container);
// A pod that names a profile, be it the runtime's, does not run where there is no AppArmor; one
// that names none, or no confinement, does.
void CheckAppArmor(const kube::Pod& pod, const runtime::AppArmorHost& host, Blocked* blocked);
void PlanAppArmor(const kube::Pod& pod, const kube::Container& container,
                  const runtime::AppArmorHost& host, ContainerPlan* out);

// Labels where SELinux is on and the container or its pod asks for one; nothing elsewhere.
void PlanSelinux(const kube::Pod& pod, const kube::Container& container, bool on,
                 ContainerPlan* out);

}  // namespace kpod::pods
