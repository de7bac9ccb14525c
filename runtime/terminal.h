// A container's pseudo terminal, from its own devpts.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "runtime/spec.h"

namespace kpod::runtime {

struct Terminal {
  Fd master, slave;
};
// Opens /dev/pts/ptmx inside `root`, verified to be devpts; the slave is asked of the master itself
// (TIOCGPTPEER), so no path is looked up that could be exchanged (CVE-2025-52565).
Result<Terminal> MakeTerminal(int root, const Process& process);
// Shows the slave as /dev/console.
Status BindConsole(int root, int slave);
// The slave becomes the controlling terminal and standard input, output and error. After setsid(2).
Status TakeTerminal(int slave);

}  // namespace kpod::runtime
