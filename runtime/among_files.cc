#include "runtime/among_files.h"

#include <signal.h>
#include <sys/prctl.h>

#include "runtime/capabilities.h"
#include "runtime/process.h"
#include "runtime/syscalls.h"
#include "runtime/target.h"

namespace kpod::runtime {

namespace {

Status EnterFiles(const AmongFilesOptions& o, const Target& target, const CapabilityMasks& rights) {
  TRY(ResetSignals());
  // Whoever shares a PID namespace with the host sees it.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (o.cgroup != nullptr) TRY(o.cgroup->EnterV1());
  TRY(JoinTarget(target, CLONE_NEWNS));
  CloseAllBut(o.keep);
  TRY(DropBounding(rights.bounding));
  TRY(SetCapabilities(rights));
  // After the changes that clear it (prctl(2)).
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0) return Error::Errno("PR_SET_PDEATHSIG");
  return OkStatus();
}

}  // namespace

Result<Child> StartAmongFiles(const AmongFilesOptions& options,
                              const std::function<int(Status entered)>& body) {
  Target target = TRY(OpenTarget(options.target, options.cgroup));
  std::vector<std::string> names = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"};
  std::vector<std::string> warnings;
  CapabilityMasks rights =
      TRY(ResolveCapabilities({names, names, {}, names, {}}, HeldCapabilities(), &warnings));
  CloneRequest request{0, -1, options.cgroup};
  return CloneChild(request, [&] { return body(EnterFiles(options, target, rights)); });
}

}  // namespace kpod::runtime
