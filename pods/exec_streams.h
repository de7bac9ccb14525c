// The caller's standard streams for a process in a container, without giving away more than their
// bytes. A descriptor of a file can be opened again through /proc/self/fd, for writing, too, and
// one of a terminal reads what is typed there for as long as anybody keeps it: both are relayed
// through pipes. Pipes and sockets of the caller's are handed on as they are.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace kpod::pods {

class ExecStreams {
 public:
  // Of this process's own streams 0, 1 and 2; without `interactive` the input is /dev/null.
  static Result<ExecStreams> Open(bool interactive);

  // What the container's process gets: -1 for /dev/null. Valid until Relay.
  int ForChild(int stream) const { return direct_[stream] ? stream : theirs_[stream].get(); }

  // After the start: carries the bytes until the process that `pidfd` means has ended and what it
  // wrote is through. Returns at once when there is nothing to carry.
  Status Relay(int pidfd);

 private:
  void FeedInput();
  bool DrainOutput(int stream);

  bool direct_[3] = {false, false, false};
  Fd theirs_[3], ours_[3];
  bool input_waits_ = false;  // the container's process does not read: its pipe is full
};

}  // namespace kpod::pods
