// What a pod's containers make of the pod: its phase and its conditions. Pure.
// Source: Kubernetes, Pod Lifecycle; k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go (getPhase) and
// pkg/kubelet/status/generate.go.
#pragma once

#include <string>
#include <vector>

#include "pods/plan.h"
#include "pods/status.h"

namespace kpod::pods {

// The init containers have done their work: the regular ones ended well, the sidecars started.
// Once true it stays so for this start of the pod, which `PodStatus::initialized` keeps.
bool AreInitialized(const Plan& plan, const std::vector<ContainerStatus>& init);

// `over`: no container runs or will run again.
std::string PhaseOf(const PodStatus& status, bool over);

// The conditions now; one whose status is as before keeps its time.
std::vector<Condition> ConditionsOf(const Plan& plan, const PodStatus& status, int64_t now_nanos);

}  // namespace kpod::pods
