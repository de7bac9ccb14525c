#include "images/helper/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace kpod::images {

namespace {

int signals = -1;
int caught = 0;

sigset_t Caught() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void CatchInterrupts() {
  sigset_t set = Caught();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) AllowInterrupts();  // then they end the process, and the next one cleans up
}

void AllowInterrupts() {
  sigset_t set = Caught();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Status CheckInterrupted() {
  signalfd_siginfo info;
  if (caught == 0 && signals >= 0 && ::read(signals, &info, sizeof(info)) == sizeof(info)) {
    caught = static_cast<int>(info.ssi_signo);
  }
  if (caught == 0) return OkStatus();
  return Error("interrupted", 128 + caught);
}

int InterruptFd() { return signals; }

Status WaitReadable(int fd) {
  for (;;) {
    TRY(CheckInterrupted());
    pollfd fds[3] = {{fd, POLLIN, 0}, {signals, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    if (::poll(fds, 3, -1) < 0 && errno != EINTR) return Error::Errno("poll");
    if (fds[0].revents != 0) return OkStatus();
    // A kpod that ended before it could be asked for a signal at its end.
    if ((fds[2].revents & POLLERR) != 0) return Error("interrupted", 128 + SIGPIPE);
  }
}

}  // namespace kpod::images
