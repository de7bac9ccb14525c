// Ports of this machine -> ports of a pod, as kubectl port-forward has them: whoever connects here
// is connected with the pod's own 127.0.0.1 (then ::1), so that programs are reached which listen
// there only. TCP.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::pods {

struct ForwardedPort {
  uint16_t local = 0;  // 0: any that is free
  uint16_t remote = 0;
};

// kubectl's forms: "8080:80", ":80", "80", and names of ports of the containers in place of the
// second number. Pure.
Result<ForwardedPort> ParseForward(const std::string& word, const Plan& plan);
// "localhost,10.0.0.1": localhost is 127.0.0.1 and ::1. Pure. An error for what is no address.
Result<std::vector<std::string>> ParseAddresses(const std::vector<std::string>& words);

struct ForwardRequest {
  std::vector<ForwardedPort> ports;
  std::vector<std::string> addresses = {"localhost"};  // of ParseAddresses
  std::function<void(const std::string&)> say;         // what happens, a line
  std::function<void(const std::string&)> complain;    // what goes wrong with one connection
};

// Until SIGINT or SIGTERM. An error, with exit code 1, when the pod ends before.
Status Forward(const PodRecord& pod, const ForwardRequest& request);

}  // namespace kpod::pods
