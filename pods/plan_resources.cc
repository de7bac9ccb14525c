#include "pods/plan_resources.h"

#include "base/text.h"
#include "pods/limit_range.h"

namespace kpod::pods {

namespace {

const kube::Quantity* Find(const kube::ResourceList& list, const char* key) {
  auto it = list.find(key);
  return it == list.end() ? nullptr : &it->second;
}

// The API server defaults a request that is not given to the limit.
template <class T>
void PlanCpuAndMemory(const kube::ResourceRequirements& r, T* out) {
  if (auto* q = Find(r.limits, "memory")) out->memory_limit = q->Value();
  if (auto* q = Find(r.requests, "memory")) out->memory_request = q->Value();
  if (auto* q = Find(r.limits, "cpu")) out->cpu_milli_limit = q->MilliValue();
  if (auto* q = Find(r.requests, "cpu")) out->cpu_milli_request = q->MilliValue();
  if (!out->memory_request) out->memory_request = out->memory_limit;
  if (!out->cpu_milli_request) out->cpu_milli_request = out->cpu_milli_limit;
}

// Kubernetes says "2Mi" and "1Gi", the kernel's files "2MB" and "1GB" (hugetlb_cgroup.c).
std::string KernelPageSize(int64_t bytes) {
  constexpr int64_t kKi = 1024;
  if (bytes >= kKi * kKi * kKi) return StrCat(bytes / (kKi * kKi * kKi), "GB");
  if (bytes >= kKi * kKi) return StrCat(bytes / (kKi * kKi), "MB");
  return StrCat(bytes / kKi, "KB");
}

}  // namespace

void PlanResources(const kube::Container& c, ContainerPlan* out) {
  PlanCpuAndMemory(c.resources, out);
  if (auto* q = Find(c.resources.limits, "ephemeral-storage")) out->storage_limit = q->Value();
  constexpr std::string_view kHugePages = "hugepages-";
  for (const auto& [name, q] : c.resources.limits) {
    if (!name.starts_with(kHugePages)) continue;
    Result<kube::Quantity> size = kube::ParseQuantity(name.substr(kHugePages.size()));
    if (size) out->hugepages.emplace_back(KernelPageSize(size->Value()), q.Value());
  }
  out->pids_limit = c.pids_limit;
  out->cpuset_cpus = c.cpuset_cpus;
  out->cpuset_mems = c.cpuset_mems;
  out->ulimits = c.ulimits;
  for (const kube::ResizePolicy& p : c.resize_policies) {
    bool restart = p.restart_policy == "RestartContainer";
    if (p.resource == "cpu") out->restart_on_cpu = restart;
    if (p.resource == "memory") out->restart_on_memory = restart;
  }
}

void PlanPodResources(const kube::PodSpec& pod, Plan* out) {
  PlanCpuAndMemory(pod.resources, &out->resources);
  out->qos_class = QosClassOf(pod);
}

}  // namespace kpod::pods
