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

// Where the supervisor has a tmpfs, in its own mount namespace and gone with it: for what a pod
// needs only while it runs. On a disk each of these files would cost as much as a mount.
std::string PodMemory(const store::Paths& paths, const Plan& plan);

struct ContainerPaths {
  std::string upper, work;      // <pod>/<name>.<run>.upper, .work: fresh at each restart
  std::string termination_log;  // in the pod's memory
};
ContainerPaths PathsFor(const store::Paths& paths, const Plan& plan, const std::string& container,
                        int run);

std::string HostsFile(const Plan& plan, const std::string& pod_ip, const std::string& host_hosts);
// What the kubelet writes (pkg/kubelet/network/dns), the node's search list included. Without a
// policy of the cluster the pod's own DNS is named only in place of a server on the machine's
// loopback. `nameserver` "": the driver serves no DNS. `host_resolv`: the text of the host's own
// resolv.conf.
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
