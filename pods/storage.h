// What a pod takes of the disk, and what is too much. Source:
// k8s.io/kubernetes/pkg/kubelet/eviction (localStorageEviction) and its words.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pods/plan.h"
#include "store/paths.h"

namespace kpod::pods {

struct StorageUsage {
  std::map<std::string, int64_t> containers;  // writable layer and logs, bytes
  std::map<std::string, int64_t> volumes;     // emptyDir on disk
};

// Some limit is to be kept.
bool LimitsStorage(const Plan& plan);
// Walks the directories: for a process of its own.
StorageUsage MeasureStorage(const store::Paths& paths, const Plan& plan);
// Why the pod is evicted; "" when it is not.
std::string EvictionOf(const Plan& plan, const StorageUsage& usage);

}  // namespace kpod::pods
