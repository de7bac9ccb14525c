// A container's environment: the image's, then envFrom, then env, with $(VAR) expanded as the
// kubelet does.
#pragma once

#include <string>
#include <vector>

#include "images/images.h"
#include "kube/types.h"
#include "pods/make_plan.h"
#include "pods/plan.h"

namespace kpod::pods {

struct ContainerEnv {
  std::vector<std::string> env;  // NAME=value, each name once, image's first
  std::vector<EnvFilePlan> env_files;
  kube::StringMap expandable;  // what command and args may refer to: not the image's own variables
  Blocked blocked;
};

// What envFrom may set: C identifiers, and "-" and "." too. Source: IsEnvVarName of
// k8s.io/apimachinery/pkg/util/validation.
bool IsEnvName(std::string_view name);

ContainerEnv MakeContainerEnv(const kube::Pod& pod, const kube::Container& container,
                              const images::Image& image, const Plan& plan, const Lookups& lookups);

}  // namespace kpod::pods
