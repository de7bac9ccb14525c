// The caller's own terminal, while a program in a container has it.
#pragma once

#include <termios.h>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::pods {

// Standard input in raw mode for as long as this lives; nothing when it is no terminal.
class RawTerminal {
 public:
  RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

 private:
  termios saved_{};
  bool active_;
};

// The size of standard input's window to `terminal`, the master of another one. `redraw`: by way of
// another size, so that its program is told even when the size is the same.
void CopyWindowSize(int terminal, bool redraw = false);

// A signalfd of what is of interest meanwhile: another size of the window, and whatever would end
// this process and leave the terminal raw. They are blocked from then on.
Result<Fd> TerminalSignals();
// Copies the size to `terminal`; the signal that this process shall end by, or 0.
int ReadTerminalSignals(int signals, int terminal);
// As if it had not been caught.
void EndBy(int signal);

}  // namespace kpod::pods
