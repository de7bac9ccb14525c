// Between the parent and a child that is not exec'ed yet: a SEQPACKET pair, close-on-exec.
//
//   child                                   parent
//     "M"            user namespace made      writes the id maps
//                                             "G"
//     "T" + fd       the pty's master         keeps it
//     "R" warnings   all is done, exec next   keeps them
//     end of file    exec worked              returns
//     "E" code text  something failed         reaps the child, returns the error
//
// End of file before "R" means that the child was killed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::runtime {

// The child's side.
void ReportFailure(int socket, const Error& error);
Status ReportReady(int socket, const std::vector<std::string>& warnings);
Status SendTerminal(int socket, int master);
Status AwaitIdMaps(int socket);

// The parent's side: until end of file.
struct HandshakeResult {
  Fd terminal;
  std::vector<std::string> warnings;
};
Result<HandshakeResult> AwaitExec(int socket, const std::function<Status()>& write_id_maps);

}  // namespace kpod::runtime
