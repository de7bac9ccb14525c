// What gives a pod its network. One page of interface; behind it: `native` (a routed veth, in
// process by netlink) and `host` (the pod is in the host's network namespace).
//
// How a driver fits in. The pod's supervisor makes the driver and calls Prepare while it is still
// in the host's namespaces; then it makes the pod's and calls Attach. Detach may be called by
// another process, much later, with the pod's namespace gone: whatever it needs is to be kept in
// state files (a CNI driver keeps the result of ADD there, for DEL and CHECK). Calls for different
// pods come at once from different processes: a driver whose tools do not bear that takes a lock.
// Errors are whole sentences without the pod's name, which the caller puts before them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  // "<namespace>_<name>": the key of the lease, of the ports and of the zone data.
  std::string pod_id;
  std::vector<PortMapping> ports;
  std::vector<std::string> names;  // DNS names of the pod: its name, hostname ...
  std::string static_ip;           // "" : allocated
  bool wants_dns = false;          // of its own, also in the host's network
};

struct Attachment {
  std::string ip;       // of the pod
  std::string gateway;  // 169.254.1.1
  std::string interface;
  std::string mac;
  std::string host_ip;     // at which the pod reaches the machine ("" when it has none)
  std::string nameserver;  // what resolv.conf names ("" when the driver serves no DNS)
};
Json ToJson(const Attachment& a);
Attachment AttachmentFromJson(const Json& j);

class Driver {
 public:
  virtual ~Driver() = default;
  // Takes what a pod has by itself: address, ports, names. A host port in use is an error that
  // names it and, when it is a pod's, the pod. What an earlier pod of the same id left behind is
  // cleared away first. After it, whatever comes of it, Detach.
  virtual Status Prepare(const AttachRequest& request) = 0;
  // Connects the pod that was prepared. netns_fd: its network namespace, only lo in it (down), or
  // -1 when it has none of its own.
  virtual Result<Attachment> Attach(int netns_fd) = 0;
  // Idempotent: releases address, ports and names; works when the pod's namespace is gone. Collects
  // errors and goes on; the first is returned.
  virtual Status Detach(const std::string& pod_id) = 0;
  // Is all of what Attach made still there?
  virtual Status Check(const std::string& pod_id, int netns_fd) = 0;
};

// name: "native" or "host".
Result<std::unique_ptr<Driver>> MakeDriver(const std::string& name, const store::Paths& paths);

}  // namespace kpod::network
