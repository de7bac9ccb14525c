// Services -> the kernel: what the tables of all namespaces say is what the rules do.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "network/service.h"
#include "store/paths.h"

namespace kpod::network {

// Makes this the table of the namespace: the kernel's rules first, by the few elements that differ,
// then the file. When the kernel turns out not to have what the files say (a process was killed
// between the two, another tool removed a table), everything is written anew. The node is raised
// when a Service has an address. Runs in the host's namespaces; the caller sees to it that one
// process at a time does this.
Status PublishServices(const store::Paths& paths, const std::string& ns,
                       const std::vector<ServiceRecord>& services);

}  // namespace kpod::network
