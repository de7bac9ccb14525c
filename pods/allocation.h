// What a Service is given when it is applied: its address, ports of the machine. Kept as long as
// the object is there, beside it, so that the object stays what was written. Source:
// pkg/registry/core/service (allocators), in the words of Kubernetes' errors.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "kube/types_network.h"
#include "network/ports.h"
#include "network/service.h"
#include "store/paths.h"

namespace kpod::pods {

struct AllocationContext {
  network::Range range;                     // of the Services' addresses
  std::vector<network::Allocation> others;  // of all Services but this one
  // Whether a port of the machine can be had: the sentence says who has it.
  std::function<Status(const network::PortMapping&)> check_port;
};
// `before`: what the Service has; it keeps what it does not ask to change. Pure but for the check.
Result<network::Allocation> Allocate(const kube::Service& service,
                                     const std::optional<network::Allocation>& before,
                                     const AllocationContext& context);

// The same for several, on this machine: each is written down as it is decided.
class Allocator {
 public:
  explicit Allocator(store::Paths paths) : paths_(std::move(paths)) {}
  Status Allocate(const std::vector<kube::Service>& services);
  // As it was before; for a command that fails later.
  void Restore();

 private:
  store::Paths paths_;
  struct Step {
    network::Allocation given;
    std::optional<network::Allocation> before;
  };
  std::vector<Step> steps_;
};

}  // namespace kpod::pods
