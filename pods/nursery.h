// Where pods' supervisors come from: a process of kpod-supervisor that a command starts before it
// knows what the plans will be. While the command goes on, that process runs up and makes
// namespaces; told of a pod, it becomes its supervisor, or, when more pods follow, leaves that to a
// copy of itself, which costs a fraction of what another exec would.
//
// kpod ── spawn, descriptor 3: one end of a SEQPACKET pair ──> kpod-supervisor
//      ── {"op":"namespaces"} ──>                         those that most pods have, made ahead
//      ── {"op":"pod","ns":...,"name":...,"more":true} ──>  with the pod's handshake (control.h)
//      ── end of file ──>                                 it ends
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "pods/control.h"
#include "pods/sandbox.h"
#include "store/paths.h"

namespace kpod::pods {

class Nursery {
 public:
  explicit Nursery(store::Paths paths) : paths_(std::move(paths)) {}
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;
  ~Nursery();  // waits for the end of a process that was not needed

  // Starts the process ahead of need; `namespaces`: the first pod has a network of its own. What
  // fails here fails again, and is told, in Spawn.
  void Prepare(bool namespaces);
  // For a pod whose plan.json is written. `more`: another one will be asked for.
  Result<StartingPod> Spawn(const std::string& ns, const std::string& name, bool more);

 private:
  Status Start();

  store::Paths paths_;
  Fd socket_;
  pid_t pid_ = -1;
};

// The other side, in kpod-supervisor: the pod that this process is to supervise.
struct Birth {
  std::string ns, name;
  Fd handshake;
  SpareNamespaces spare;
};
// Nothing: the command is through. `room`: an argument of main, whose bytes come to hold the pod's
// namespace and name, for who looks at processes.
Result<std::optional<Birth>> AwaitBirth(Fd requests, char* room);
// As long as it must be for that.
std::string NurseryRoom();

}  // namespace kpod::pods
