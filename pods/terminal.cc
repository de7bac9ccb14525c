#include "pods/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace kpod::pods {

RawTerminal::RawTerminal() : active_(::isatty(0) == 1 && ::tcgetattr(0, &saved_) == 0) {
  if (!active_) return;
  termios raw = saved_;
  ::cfmakeraw(&raw);
  ::tcsetattr(0, TCSANOW, &raw);
}

RawTerminal::~RawTerminal() {
  if (active_) ::tcsetattr(0, TCSANOW, &saved_);
}

void CopyWindowSize(int terminal, bool redraw) {
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) return;
  if (redraw) {
    winsize other = size;
    ++other.ws_row;
    ++other.ws_col;
    ::ioctl(terminal, TIOCSWINSZ, &other);
  }
  ::ioctl(terminal, TIOCSWINSZ, &size);
}

Result<Fd> TerminalSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT}) sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::Errno("signalfd");
  return fd;
}

int ReadTerminalSignals(int signals, int terminal) {
  int ending = 0;
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof(info)) > 0) {
    if (info.ssi_signo == SIGWINCH) {
      CopyWindowSize(terminal);
    } else {
      ending = static_cast<int>(info.ssi_signo);
    }
  }
  return ending;
}

void EndBy(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace kpod::pods
