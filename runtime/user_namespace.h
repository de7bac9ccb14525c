// User namespaces that are made before the containers that live in them, so that several share one
// and their other namespaces can belong to it.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

Result<Fd> MakeUserNamespace(const std::vector<IdMap>& uids, const std::vector<IdMap>& gids);
// Of a process that is still in the namespace it was born into. Both lists must say something.
Status WriteIdMaps(pid_t pid, const std::vector<IdMap>& uids, const std::vector<IdMap>& gids);

// The calling process becomes root of it, with all capabilities there and none here.
Status JoinUserNamespace(int user_namespace);
// The calling process enters new namespaces of these types (CLONE_NEWNET ...) that belong to
// `user_namespace`, and keeps its own user namespace and its rights.
Status EnterNamespacesOf(int user_namespace, int types);

// Of the users of a process' user namespace, as the caller's has them.
Result<std::vector<IdMap>> ReadUserMap(pid_t pid);

// The id of the host that stands for `id`; `id` itself where nothing is mapped. Pure.
uint32_t HostId(const std::vector<IdMap>& map, uint32_t id);

// A detached copy of a mount on which files have the owners that the namespace maps them to: 0 on
// disk is its root. The kernel has this since 5.12, each file system since a version of its own
// (tmpfs: 6.3); `what` is for the error.
Status MapOwners(int tree, int user_namespace, bool recursive, const std::string& what);

}  // namespace kpod::runtime
