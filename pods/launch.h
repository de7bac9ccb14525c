// Plan -> OCI runtime-spec configuration: exactly what to run. Pure: MountsFor and the files below
// /etc are texts and lists, tested by tables.
#pragma once

#include <string>
#include <vector>

#include "network/network.h"
#include "pods/plan.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "store/paths.h"

namespace kpod::pods {

// The directories of one run of one container; all below the pod's directory.
struct ContainerPaths {
  std::string base;             // <pod>/containers/<name>
  std::string upper, work;      // <base>/<run>/upper, work: fresh at each restart
  std::string root;             // <base>/rootfs: the (empty) mount point
  std::string termination_log;  // <base>/termination-log
};
ContainerPaths PathsFor(const store::Paths& paths, const Plan& plan, const std::string& container,
                        int run);

std::string HostsFile(const Plan& plan, const std::string& pod_ip, const std::string& host_hosts);
// `nameserver` "": the driver serves no DNS. `host_resolv`: the text of the host's own resolv.conf.
std::string ResolvConf(const Plan& plan, const std::string& nameserver,
                       const std::string& host_resolv);

std::vector<runtime::Mount> MountsFor(const store::Paths& paths, const Plan& plan,
                                      const ContainerPlan& container, const ContainerPaths& dirs);
runtime::Resources ResourcesFor(const ContainerPlan& container);
// The group around the containers: the sum of their requests, and of their limits where all have
// one. Source: ResourceConfigForPod in k8s.io/kubernetes/pkg/kubelet/cm/helpers_linux.go.
runtime::Resources PodResourcesFor(const Plan& plan);
runtime::Spec SpecFor(const store::Paths& paths, const Plan& plan, const ContainerPlan& container,
                      const ContainerPaths& dirs);
// The seccomp profile by the plan's word: "default", "unconfined", or a file below <root>/seccomp.
Status ApplySeccomp(const store::Paths& paths, const ContainerPlan& container, Json* seccomp,
                    bool* use_default);

}  // namespace kpod::pods
