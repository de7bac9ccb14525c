// What `kubectl describe pod` shows, in its form and its words, of what kpod knows. Pure.
#pragma once

#include <string>
#include <vector>

#include "kube/types.h"
#include "pods/events.h"
#include "pods/status.h"

namespace kpod::cmd {

struct PodToDescribe {
  const pods::PodRecord& record;
  const kube::PodSpec* spec = nullptr;  // of the object it was made from; null: that is gone
  std::string node;                     // the machine's name
};

std::string DescribePod(const PodToDescribe& pod, const std::vector<pods::Event>& events);

// The parts of a container's section, with tabs for AlignTabs. `status` and `spec` may be null.
std::string DescribeContainer(const pods::ContainerPlan& plan, const kube::Container* spec,
                              const pods::ContainerStatus* status);

// "Thu, 01 Jan 1970 00:00:00 +0000", in the time zone of the caller.
std::string DescribeTime(int64_t nanos);
// The lines of a value, each made fit for a terminal: the first after `first`, the others after
// `others`.
std::string DescribeLines(const std::string& first, const std::string& others,
                          const std::string& value);

}  // namespace kpod::cmd
