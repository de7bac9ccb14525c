// From a child inside its namespaces to the program: streams, limits, identity, filter, exec. The
// same for a container's first process and for a further one.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "runtime/capabilities.h"
#include "runtime/cgroup.h"
#include "runtime/clone.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

namespace kpod::runtime {

// What the parent settles, so that the child can no longer fail for it.
struct PreparedProcess {
  const Process* process = nullptr;
  CapabilityMasks capabilities;
  std::shared_ptr<const SeccompFilter> filter;
  Fd streams[3];  // copies of what the caller gave, above the standard numbers
  Fd proc;        // the caller's procfs
  std::vector<std::string> warnings;
  bool die_with_parent = false;
};

struct Streams {
  int in = -1, out = -1, err = -1;
};
Result<PreparedProcess> PrepareProcess(const Process& process, const Json& seccomp,
                                       bool default_seccomp, const std::string& cache_dir,
                                       Streams streams);

// The process may open its own streams again (/dev/stdout), whoever it is. Pipes only: a file or
// terminal of the caller keeps its owner.
void GivePipes(std::initializer_list<int> fds, uint32_t uid);

// The steps of the child, in this order.
Status ResetSignals();
// With a terminal: makes one in the container's devpts below `root`, sends its master through
// `socket`, and makes it the controlling one. `console`: it is also bound to /dev/console.
Status SetUpTerminal(const Process& process, int root, int socket, bool console);
Status SetUpStreams(const PreparedProcess& p);
Status ApplyLimits(const PreparedProcess& p, std::vector<std::string>* warnings);
// `make`: a container's own is made when absent, as the ecosystem's runtimes do.
Status EnterWorkingDirectory(int root, const std::string& cwd, bool make);
// Ids, capabilities, no_new_privs, filter; tells `socket` that all is done; then the program. Only
// returns with an error.
Error BecomeProgram(const PreparedProcess& p, int socket, const std::vector<std::string>& warnings);

// What a limit becomes where the hard limit cannot be raised. Pure.
Rlimit ClampRlimit(const Rlimit& wanted, uint64_t hard_now);
// The paths that exec tries for `program`: PATH of `env`, or the system's usual one. Pure.
std::vector<std::string> ProgramCandidates(const std::string& program,
                                           const std::vector<std::string>& env);

}  // namespace kpod::runtime
