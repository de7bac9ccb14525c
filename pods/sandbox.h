// The pod's infra: what its containers share. The supervisor itself is in these namespaces, so a
// container's process inherits them by fork; only a shared PID namespace wants an init of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "network/network.h"
#include "pods/plan.h"
#include "runtime/spec.h"
#include "store/paths.h"

namespace kpod::pods {

// Network, IPC and UTS namespaces that are made before it is known which pod shall have them; none
// where that failed.
struct SpareNamespaces {
  Fd net, ipc, uts;

  // The calling process stays in its own.
  static SpareNamespaces Make();
};

class Sandbox {
 public:
  // Gives the calling process mount, IPC, UTS and network namespaces of its own (as the plan says;
  // those of `spare` if it has them), attaches the network, mounts /dev/shm and memory volumes
  // (seen by nobody else, gone with the process), writes <pod>/etc.
  static Result<Sandbox> Enter(const store::Paths& paths, const Plan& plan, SpareNamespaces spare);

  // Idempotent: address, ports and names are released. The namespaces end with the supervisor.
  Status Leave();

  const network::Attachment& attachment() const { return attachment_; }
  int host_netns() const { return host_netns_.get(); }
  int host_mount_namespace() const { return host_mntns_.get(); }
  int host_uts_namespace() const { return host_utsns_.get(); }
  int user_namespace() const { return user_namespace_.get(); }           // -1: the host's
  const std::vector<runtime::IdMap>& id_map() const { return id_map_; }  // empty likewise
  int pid_namespace() const { return pid_namespace_.get(); }  // -1 unless shareProcessNamespace
  const Child& init() const { return init_; }

 private:
  Sandbox() = default;
  Status MakeNamespaces(const store::Paths& paths, const Plan& plan, SpareNamespaces spare);
  Status WriteSysctls(const Plan& plan);
  Status ShareProcesses();

  std::unique_ptr<network::Driver> driver_;
  std::string pod_id_;
  network::Attachment attachment_;
  Fd host_netns_, host_mntns_, host_utsns_, user_namespace_, pid_namespace_;
  std::vector<runtime::IdMap> id_map_;
  Child init_;
};

// In a child of the supervisor: out of the pod, into the host's namespaces, with nothing of the
// supervisor's but the caller's streams.
bool LeavePod(const Sandbox& sandbox);

}  // namespace kpod::pods
