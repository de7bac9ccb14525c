// The pods' network. driver.h: what gives a pod its network. Here: what concerns all of them, and
// the pod's DNS.
//
// One node network namespace per root is the local "node"; pods hang off it by routed /32 veths;
// one nft table in the host's namespace holds host ports and masquerade. All functions may be
// called by many processes at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "network/driver.h"
#include "store/paths.h"

namespace kpod::network {

// By the driver that attached the pod; see Driver::Detach.
Status Detach(const store::Paths& paths, const std::string& pod_id);
// Detaches the pods that are not alive and, when nothing is left, removes node namespace, uplink,
// routes and rules; otherwise mends the node: a link, a route, rules that somebody removed. `alive`
// is asked under the network's lock: what it says holds until the pod is detached, since Attach
// waits for the lock.
Status CollectGarbage(const store::Paths& paths,
                      const std::function<bool(const std::string& pod_id)>& alive);
// What another tool took away (a link, a route, the rules) is there again. Cheap when all is well,
// and when there is no node.
Status Mend(const store::Paths& paths);
// Ranges, addresses, ports, and what stands in the way: for kpod info and tests.
Result<Json> Inspect(const store::Paths& paths);

// The IPv4 address by which the calling process' namespace is known outside of it.
Result<std::optional<uint32_t>> HostOutwardAddress();

// `lo` up in a fresh namespace (for --network none). Runs in the calling process' namespace.
Status BringUpLoopback();

// The pod's DNS responder: one per supervisor, on `listen`:53 UDP and TCP at the node's end of the
// pod's veth (so that port 53 inside the pod stays free for a pod that serves DNS itself), or on a
// loopback address of the host for a pod in the host's network. Zone
// data comes from the state files (re-read when they change); the rest is forwarded from the host's
// namespace to the resolvers of `upstream_resolv_conf`. cluster.local misses are NXDOMAIN here and
// never forwarded.
class DnsServer {
 public:
  struct Options {
    store::Paths paths;
    std::string pod_id;                // whose bare names are answered
    std::string listen;                // the gateway, as the pod sees it
    std::string pod_ip;                // says which veth
    bool on_host = false;              // no veth: `listen` is an address of the host's namespace
    int host_netns_fd = -1;            // sockets to upstream are made there
    std::string upstream_resolv_conf;  // path
  };
  static Result<std::unique_ptr<DnsServer>> Create(const Options& options);
  virtual ~DnsServer() = default;
  // For the supervisor's loop: an epoll(7) of its own, that is readable when OnReady has work.
  virtual int Descriptor() const = 0;
  virtual void OnReady() = 0;
  virtual int64_t NextDeadlineNanos() const = 0;  // monotonic; -1: none
  virtual void OnDeadline() = 0;
};

}  // namespace kpod::network
