#include <csignal>

#include "cmd/command.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // `kpod logs | head` ends quietly
  return kpod::cmd::Main(argc, argv);
}
