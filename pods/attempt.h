// One attempt of a probe or a hook (exec, httpGet, tcpSocket, grpc, sleep) on the supervisor's
// loop, which it never blocks. The supervisor stands in the pod's network namespace, so nothing is
// needed in the image. Source: k8s.io/kubernetes/pkg/probe and pkg/kubelet/lifecycle/handlers.go.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "kube/types.h"
#include "runtime/container.h"

namespace kpod::pods {

struct AttemptResult {
  bool success = false;
  // Why not, in the kubelet's words: "HTTP probe failed with statuscode: 503", "dial tcp ...:
  // connect: connection refused", the command's output.
  std::string message;
  // A success that has something to tell all the same (events ProbeWarning, LifecycleHTTPFallback):
  // a redirect that was not followed, an HTTPS hook that was answered in plain HTTP.
  bool warning = false;
  // No answer at all ("port \"web\" not found", "no such file"): counts neither way in a probe.
  bool errored = false;
};

struct AttemptContext {
  Loop* loop = nullptr;
  std::string pod_ip;  // where a request goes that names no host; "" with no network: 127.0.0.1
  // A request to a host that the handler names goes out from this network namespace, as the
  // kubelet's goes out from its node; names are looked up there. -1: from the caller's.
  int host_netns_fd = -1;
  // A hook and not a probe: any answer of an HTTP server is a success, and an HTTPS request falls
  // back to HTTP where the server speaks that.
  bool hook = false;
  // Starts a command in the container, its standard output and error both at `output_fd`.
  std::function<Result<runtime::Started>(const std::vector<std::string>& argv, int output_fd)> exec;
};

// Destroying it ends the attempt: its process, its socket, its timer.
class Attempt {
 public:
  virtual ~Attempt() = default;
};

// `done` is called once, from the loop and never before StartAttempt has returned; it may destroy
// the attempt. `timeout_nanos` 0: none.
std::unique_ptr<Attempt> StartAttempt(const AttemptContext& context, const kube::Handler& handler,
                                      int64_t timeout_nanos,
                                      std::function<void(AttemptResult)> done);

}  // namespace kpod::pods
