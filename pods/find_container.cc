#include "pods/find_container.h"

#include "base/text.h"

namespace kpod::pods {

namespace {

const ContainerPlan* Named(const Plan& plan, const std::string& name) {
  for (const ContainerPlan* c : plan.All()) {
    if (c->name == name) return c;
  }
  return nullptr;
}

}  // namespace

Result<const ContainerPlan*> FindContainer(const Plan& plan, const std::string& name) {
  const ContainerPlan* found = Named(plan, name);
  if (name.empty()) {
    auto it = plan.annotations.find("kubectl.kubernetes.io/default-container");
    if (it != plan.annotations.end()) found = Named(plan, it->second);
    if (found == nullptr && !plan.containers.empty()) found = plan.containers.data();
  }
  if (found != nullptr) return found;
  return Error(StrCat("container ", name, " is not valid for pod ", plan.name));
}

const ContainerStatus* FindStatus(const PodStatus& status, const std::string& name) {
  for (const auto* list : {&status.containers, &status.init_containers}) {
    for (const ContainerStatus& s : *list) {
      if (s.name == name) return &s;
    }
  }
  return nullptr;
}

Result<RunningContainer> FindRunning(const store::Paths& paths, const PodRecord& pod,
                                     const std::string& name) {
  const ContainerPlan* plan = TRY(FindContainer(pod.plan, name));
  const ContainerStatus* status = FindStatus(pod.status, plan->name);
  if (!pod.alive || status == nullptr || status->pid == 0) {
    return Error(StrCat("container ", plan->name, " of pod ", pod.plan.name, " is not running"));
  }
  return RunningContainer{plan, status->pid,
                          runtime::Cgroup::At(CgroupPath(paths, pod.plan.Id(), plan->name))};
}

}  // namespace kpod::pods
