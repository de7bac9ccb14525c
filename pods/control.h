// How commands and a pod's supervisor speak.
//
// Start:  kpod ── a pod's name, one end of a SEQPACKET pair ──> kpod-supervisor (nursery.h)
//         kpod <── {"ready":true,"warnings":[...]} or {"error":"...","exit":127} or end of file (it
//         died) ──
// Later:  kpod ── <run>/pods/<id>/control (SEQPACKET): {"op":"stop","grace":10} | {"op":"reload"}
// ──>
//         kpod <── {"ok":true} when it is done, or {"error":"..."} ──
//         {"op":"attach"}: see attach.h
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

constexpr int kHandshakeFd = 3;

// An AF_UNIX address holds 108 bytes and a pod's directory may be longer: both ends go through a
// descriptor of the directory (/proc/self/fd/N/control).
Result<Fd> ListenControl(const std::string& path);
Result<Fd> ConnectControl(const std::string& path);

// One request and its answer; waits for as long as the supervisor takes. An answer {"error"} is an
// error.
Result<Json> CallSupervisor(const store::Paths& paths, const std::string& ns,
                            const std::string& name, const Json& request);

// A pod whose supervisor was started (nursery.h). `WaitReady` blocks until its containers run.
struct StartingPod {
  std::string ns, name;
  Fd handshake;
};
Result<std::vector<std::string>> WaitReady(const StartingPod& pod);  // warnings

}  // namespace kpod::pods
