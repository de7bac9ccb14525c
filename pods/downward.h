// The downward API: what a container is told of its own pod, as variables and as files. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "kube/types.h"
#include "pods/make_plan.h"

namespace kpod::pods {

// What a fieldRef names; nullopt for a path that names nothing. Addresses are known to the
// supervisor only, so for them it is a mark (late_values.h). Whole maps are for files.
std::optional<std::string> FieldValue(const kube::Pod& pod, const Lookups& lookups,
                                      const std::string& path);

// key="value" a line, sorted, values escaped as Go's %q does; no newline after the last.
// Source: FormatMap of k8s.io/kubernetes/pkg/fieldpath.
std::string FormatMap(const kube::StringMap& map);

// What a resourceFieldRef names, in its divisor and rounded up. `self` is the container of a
// variable; without containerName it is meant. A limit that is not set is what the machine has.
// Source: ExtractContainerResourceValue and MergeContainerResourceLimits of
// k8s.io/kubernetes/pkg/api/v1/resource.
Result<std::string> ResourceValue(const kube::Pod& pod, const kube::Container* self,
                                  const Lookups& lookups, const kube::ResourceFieldRef& ref);

}  // namespace kpod::pods
