// A pod's network. One page of interface; the drivers behind it are native (default), and later cni
// and netavark.
//
// One node network namespace per root is the local "node"; pods hang off it by routed /32 veths;
// one nft table in it, regenerated whole from the state files under a lock, or only added to on the
// start path of a pod. All functions may be called by many processes at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "store/paths.h"

namespace kpod::network {

struct PortMapping {
  std::string host_ip;  // "": every address of the host
  uint16_t host_port = 0, container_port = 0;
  std::string protocol = "tcp";  // tcp udp sctp
};

struct AttachRequest {
  std::string
      pod_id;  // "<namespace>_<name>": the key of the lease, of the ports and of the zone data
  int netns_fd = -1;  // the pod's network namespace, only lo in it (down)
  std::vector<PortMapping> ports;
  std::vector<std::string> names;  // DNS names of the pod: its name, hostname ...
  std::string static_ip;           // "" : allocated
};

struct Attachment {
  std::string ip;       // of the pod
  std::string gateway;  // 169.254.1.1
  std::string interface = "eth0";
  std::string mac;
  std::string nameserver;  // what resolv.conf names ("" when the driver serves no DNS)
};
Json ToJson(const Attachment& a);
Attachment AttachmentFromJson(const Json& j);

class Driver {
 public:
  virtual ~Driver() = default;
  // All or nothing. A host port in use is an error that names it and, when it is a pod's, the pod.
  virtual Result<Attachment> Attach(const AttachRequest& request) = 0;
  // Idempotent: releases address, ports and names; works when the pod's namespace is gone. Collects
  // errors and goes on.
  virtual Status Detach(const std::string& pod_id) = 0;
  virtual Status Check(const std::string& pod_id, int netns_fd) = 0;
};

// name: "native".
Result<std::unique_ptr<Driver>> MakeDriver(const std::string& name, const store::Paths& paths);

// Brings the node namespace, its uplink and its table into being, or repairs what somebody flushed.
// Attach does it too.
Status EnsureNode(const store::Paths& paths);
// Detaches whatever is not in `live` (pod ids) and, when nothing is left, removes node namespace,
// uplink, routes and rules: after the last pod the machine is as it was.
Status CollectGarbage(const store::Paths& paths, const std::vector<std::string>& live);
Result<Json> Inspect(const store::Paths& paths);  // subnets, leases, ports: for kpod info and tests

// `lo` up in a fresh namespace (for --network none and before Attach). Runs in the calling process'
// namespace.
Status BringUpLoopback();

// The pod's DNS responder: one per supervisor, on `listen`:53 UDP and TCP at the node's end of the
// pod's veth (so that port 53 inside the pod stays free for a pod that serves DNS itself).
// namespace. Zone data comes from the state files (re-read when they change); the rest is forwarded
// from the host's namespace to the resolvers of `upstream_resolv_conf`. cluster.local misses are
// NXDOMAIN here and never forwarded.
class DnsServer {
 public:
  struct Options {
    store::Paths paths;
    std::string listen;                // the gateway, as the pod sees it
    std::string pod_ip;                // says which veth
    int host_netns_fd = -1;            // sockets to upstream are made there
    std::string upstream_resolv_conf;  // path
  };
  static Result<std::unique_ptr<DnsServer>> Create(const Options& options);
  virtual ~DnsServer() = default;
  // For the supervisor's loop: watch these, call OnReadable with the ready one. The set can change
  // after a call.
  virtual std::vector<int> Descriptors() const = 0;
  virtual void OnReadable(int fd) = 0;
  virtual int64_t NextDeadlineNanos() const = 0;  // monotonic; -1: none
  virtual void OnDeadline() = 0;
};

}  // namespace kpod::network
