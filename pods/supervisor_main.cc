// kpod-supervisor ROOT RUN NAMESPACE NAME, started by kpod with a handshake socket as descriptor 3.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cstdio>

#include "pods/control.h"
#include "pods/supervisor.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("kpod-supervisor is started by kpod; see kpod --help\n", stderr);
    return kpod::kExitFailure;
  }
  ::prctl(PR_SET_NAME, "kpod-supervisor");
  ::umask(022);
  kpod::store::Paths paths;
  paths.root = argv[1];
  paths.run = argv[2];
  kpod::pods::Supervisor supervisor(paths, argv[3], argv[4]);
  kpod::Fd handshake(kpod::pods::kHandshakeFd);
  if (::fcntl(handshake.get(), F_SETFD, FD_CLOEXEC) < 0) return kpod::kExitFailure;
  return supervisor.Run(std::move(handshake));
}
