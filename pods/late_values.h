// Values that nobody knows before the pod has its address and its init containers have run: the
// plan holds a mark in their place, wherever an expanded $(VAR) took them (variables, arguments,
// probes, subPaths). A mark carries the pod's uid, so that no text of a manifest or of an image can
// pass for one.
#pragma once

#include <string>

#include "base/result.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

// The mark of a field of the pod's status: "status.podIP".
std::string LateField(const std::string& uid, const std::string& field);
// The mark of ContainerPlan::env_files[index].
std::string LateFile(const std::string& uid, size_t index);

struct Addresses {
  std::string pod_ip, host_ip;  // "": none
};
void FillAddresses(const Addresses& addresses, Plan* plan);

// `container` with the keys of its env files read; an error in the kubelet's words when one that is
// not optional is missing. What is read was written by containers: bounded, and nothing outside of
// the volume is followed. `root` is put before the volumes' paths: "" for the supervisor,
// "/proc/PID/root" for who is in another mount namespace and may look through it.
Result<ContainerPlan> WithEnvFiles(const store::Paths& paths, const Plan& plan,
                                   const ContainerPlan& container, const std::string& root = "");

// The same without the variables that come from env files.
ContainerPlan WithoutEnvFiles(const Plan& plan, const ContainerPlan& container);

// The value of a key of an env file: lines of KEY='value' (values may go over several lines and are
// taken as they stand), blank lines and comments. nullopt: no such key. Errors say the line.
// Source: KEP-3721 as of v1.35, a subset of what POSIX shells read.
Result<std::optional<std::string>> EnvFileValue(std::string_view text, const std::string& key);

}  // namespace kpod::pods
