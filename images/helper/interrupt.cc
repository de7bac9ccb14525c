#include "images/helper/interrupt.h"

#include <csignal>

namespace kpod::images {

namespace {

volatile std::sig_atomic_t interrupted = 0;

void Note(int signal) { interrupted = signal; }

}  // namespace

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = Note;  // without SA_RESTART: a wait ends with EINTR
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

Status CheckInterrupted() {
  if (interrupted == 0) return OkStatus();
  return Error("interrupted", 128 + interrupted);
}

}  // namespace kpod::images
