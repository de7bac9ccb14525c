// ^C, and the end of the kpod that asked (PR_SET_PDEATHSIG): the work stops at the next look, and
// what is half done is removed on the way out. The signals are blocked and read from a descriptor,
// so that none is lost between a look and a wait.
#pragma once

#include "base/result.h"

namespace kpod::images {

void CatchInterrupts();
void AllowInterrupts();     // for a child that is about to exec: blocked signals would be inherited
Status CheckInterrupted();  // an error once a signal came

// For poll(2): readable once a signal came; -1 where none is caught.
int InterruptFd();

// Until `fd` can be read or is at its end. An error once a signal came, or when whoever reads the
// answer on standard output has gone.
Status WaitReadable(int fd);

}  // namespace kpod::images
