// This command's own streams, joined to those of a running container (the other side of attach.h).
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "pods/detach_keys.h"
#include "pods/status.h"
#include "store/paths.h"

namespace kpod::pods {

struct AttachRequest {
  std::string container;  // its name in the plan
  bool input = false;     // give it this command's standard input
  bool tty = false;       // which is then a terminal in raw mode, where both sides have one
  DetachKeys detach_keys;
  // Told when the container's input is this terminal from now on; may be empty.
  std::function<void()> on_terminal;
  // Sent to the supervisor; "container" and "stdin" are added.
  Json words = {{"op", "attach"}};
};

struct AttachEnd {
  bool detached = false;  // by its keys, or by a signal: the container goes on
  int signal = 0;         // the signal
  int exit_code = 0;      // else
  bool was_terminal = false;
};

// Until the container's run has ended, or the user leaves.
Result<AttachEnd> Attach(const store::Paths& paths, const PodRecord& pod, AttachRequest request);

}  // namespace kpod::pods
