// Network namespaces (network_namespaces(7)): entering one for a moment, and pinning one with no
// process in it.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::network {

// Opens the caller's own network namespace.
Result<Fd> CurrentNamespace();
bool SameNamespace(int a, int b);
// The calling thread stands in `netns_fd` until the end of the scope.
class InNamespace {
 public:
  static Result<InNamespace> Enter(int netns_fd);
  InNamespace(InNamespace&&) = default;
  ~InNamespace();

 private:
  explicit InNamespace(Fd before) : before_(std::move(before)) {}
  Fd before_;
};

// socket(2) with SOCK_CLOEXEC in that namespace (-1: the caller's), where it stays.
Result<Fd> SocketIn(int netns_fd, int domain, int type, int protocol);
// /proc/sys/NAME (slashes) as the namespace sees it: /proc/sys/net shows the reader's own.
Status WriteSysctlIn(int netns_fd, const std::string& name, std::string_view value);
Result<std::string> ReadSysctlIn(int netns_fd, const std::string& name);

// True when `fd` is open on a network namespace and not on the plain file that a lost bind mount
// leaves behind.
bool IsNamespace(int fd);
// Makes a namespace and pins it at directory/name by a bind mount, so that it lives with no
// process. `directory` becomes a private mount first: the pin must not propagate into mount
// namespaces of containers, which would keep the namespace alive. Done in a child that enters
// `mount_namespace_fd`: the caller may stand in a mount namespace of its own.
Status PinNewNamespace(int mount_namespace_fd, const std::string& directory,
                       const std::string& name);
// Undoes it, whatever is left of it.
Status UnpinNamespace(int mount_namespace_fd, const std::string& directory,
                      const std::string& name);

}  // namespace kpod::network
