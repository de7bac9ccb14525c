// ^C, and the end of the kpod that asked (PR_SET_PDEATHSIG): the work stops at the next look, and
// what is half done is removed on the way out.
#pragma once

#include "base/result.h"

namespace kpod::images {

void CatchInterrupts();
Status CheckInterrupted();  // an error once a signal came

}  // namespace kpod::images
