// What `kubectl describe pod` shows, of what kpod knows. Pure.
#pragma once

#include <string>
#include <vector>

#include "pods/events.h"
#include "pods/status.h"

namespace kpod::cmd {

std::string DescribePod(const pods::PodRecord& pod, const std::vector<pods::Event>& events);

}  // namespace kpod::cmd
