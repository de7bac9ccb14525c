// kpod-supervisor ROOT RUN ROOM, started by kpod with a socket as descriptor 3 (nursery.h).
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cstdio>

#include "pods/nursery.h"
#include "pods/supervisor.h"

int main(int argc, char** argv) {
  if (argc != 4 || kpod::pods::NurseryRoom() != argv[3]) {
    std::fputs("kpod-supervisor is started by kpod; see kpod --help\n", stderr);
    return kpod::kExitFailure;
  }
  ::prctl(PR_SET_NAME, "kpod-supervisor");
  ::umask(022);
  kpod::Fd requests(kpod::pods::kHandshakeFd);
  if (::fcntl(requests.get(), F_SETFD, FD_CLOEXEC) < 0) return kpod::kExitFailure;
  kpod::Result<std::optional<kpod::pods::Birth>> birth =
      kpod::pods::AwaitBirth(std::move(requests), argv[3]);
  if (!birth) return kpod::kExitFailure;
  if (!*birth) return kpod::kExitOk;
  kpod::store::Paths paths;
  paths.root = argv[1];
  paths.run = argv[2];
  kpod::pods::Supervisor supervisor(paths, (*birth)->ns, (*birth)->name,
                                    std::move((*birth)->spare));
  return supervisor.Run(std::move((*birth)->handshake));
}
