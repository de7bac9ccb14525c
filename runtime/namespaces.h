// Which namespaces a container makes, joins and shares.
#pragma once

#include <sched.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/container.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct NamespacePlan {
  uint64_t clone_flags = 0;         // by clone3: user, pid
  uint64_t unshare_flags = 0;       // by the child, after it has joined the others
  std::vector<JoinNamespace> join;  // by the child; neither PID nor user namespaces
  int join_pid = -1;
  int join_user = -1;      // by the child before all others, which may belong to it
  std::vector<Fd> opened;  // those of `join` that came from paths
  // By CloneProcess, as its PID namespace belongs to the user namespace that it joins.
  bool BornInUserNamespace() const { return join_user >= 0 && (clone_flags & CLONE_NEWPID) != 0; }
  bool Makes(uint64_t flag) const { return ((clone_flags | unshare_flags) & flag) != 0; }
};

// True where the caller is not in the initial user namespace.
bool InUserNamespace();
int NamespaceFlag(std::string_view type);  // CLONE_NEW..., 0 when unknown
Result<NamespacePlan> PlanNamespaces(const Spec& spec, const std::vector<JoinNamespace>& join);

}  // namespace kpod::runtime
