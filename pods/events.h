// The event log: what happened, in the words of Kubernetes' events. JSON lines, appended with one
// write each, rotated at 4 MiB (one old file kept).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/paths.h"

namespace kpod::pods {

struct Event {
  int64_t time_nanos = 0;       // 0: now
  std::string type = "Normal";  // or Warning
  std::string reason;           // Pulled Created Started Killing BackOff Failed Scheduled ...
  std::string ns, kind = "Pod", name;
  std::string container;  // "" for the pod itself
  std::string message;
};

void Emit(const store::Paths& paths,
          Event event);  // best effort: an event is never a reason to fail
// The file that Emit appends to; before it "<path>.1". A line that is no event gives none.
std::string EventLog(const store::Paths& paths);
std::optional<Event> ParseEvent(std::string_view line);
Result<std::vector<Event>> ReadEvents(const store::Paths& paths);  // oldest first

}  // namespace kpod::pods
