// What a pod asks for, and what the LimitRanges of its namespace make of it: defaults for
// containers that name no resources, and refusals in the API server's words. Pure. Source:
// k8s.io/kubernetes/plugin/pkg/admission/limitranger.
#pragma once

#include <string>
#include <vector>

#include "kube/types.h"

namespace kpod::pods {

// Fills in limits and requests of the pod's containers.
void ApplyDefaults(const std::vector<kube::LimitRange>& ranges, kube::PodSpec* pod);

// Each a sentence: "maximum cpu usage per Container is 1, but limit is 2".
std::vector<std::string> Violations(const std::vector<kube::LimitRange>& ranges,
                                    const kube::PodSpec& pod);
std::vector<std::string> Violations(const std::vector<kube::LimitRange>& ranges,
                                    const kube::PersistentVolumeClaim& claim);

// What a pod as a whole asks for: its containers and sidecars together, or one init container
// beside the sidecars that are up by then, whichever is more; spec.resources instead where it names
// the resource. Source: k8s.io/component-helpers/resource (PodRequests, PodLimits).
kube::ResourceRequirements PodTotals(const kube::PodSpec& pod);

// Guaranteed: every container (or the pod as a whole) has limits of CPU and memory and asks for
// them; BestEffort: nothing is asked for; else Burstable. Source: k8s.io/component-helpers
// resource/qos.
std::string QosClassOf(const kube::PodSpec& pod);

}  // namespace kpod::pods
