// The node: one network namespace that all pods hang off, its uplink to the host, the host's routes
// and rules.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/files.h"
#include "network/nft.h"
#include "network/service_rules.h"
#include "network/state.h"

namespace kpod::network {

// The namespaces that a driver works from; taken where the driver is made.
struct HostNamespaces {
  Fd net, mount;
  static Result<HostNamespaces> Current();
};

struct Node {
  Config config;
  Fd netns;  // of the node
  uint32_t mtu = 1500;
};
// The five below want the network's lock held.
// The ranges of this machine, chosen at their first use.
Result<Config> EnsureConfig(const store::Paths& paths, const HostNamespaces& host);
// Makes what is missing and mends what is broken.
Result<Node> RaiseNode(const store::Paths& paths, const HostNamespaces& host);
// All of it away; idempotent.
Status RazeNode(const store::Paths& paths, const HostNamespaces& host);
// Writes the host's table anew from the records, but that of pod `without`.
Status RewriteHostTable(const store::Paths& paths, const HostNamespaces& host, const Config& config,
                        const std::string& without = "");
Result<FileLock> LockNetwork(const store::Paths& paths);

// Writes the table of the Services in the node anew; there is none while no Service has an address,
// so that pods without Services do not pay for connection tracking.
Status RewriteNodeTable(const store::Paths& paths, int node_net, const Config& config);
NodeTable NodeTableFor(const Config& config);

HostTable HostTableFor(const store::Paths& paths, const Config& config);
// An error with code() ENOENT when there is none.
Result<Fd> OpenNode(const store::Paths& paths);

}  // namespace kpod::network
