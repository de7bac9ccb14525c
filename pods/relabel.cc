#include "pods/relabel.h"

#include <algorithm>

#include "pods/launch.h"
#include "pods/volumes.h"
#include "runtime/selinux.h"

namespace kpod::pods {

std::vector<std::pair<std::string, std::string>> LabelsOfMounts(const store::Paths& paths,
                                                                const Plan& plan,
                                                                const ContainerPlan& c,
                                                                const runtime::Spec& spec) {
  std::vector<std::pair<std::string, std::string>> out;
  auto add = [&out](const std::string& path, const std::string& label) {
    if (!label.empty()) out.emplace_back(path, label);
  };
  std::string memory = PodMemory(paths, plan) + "/";
  for (const runtime::Mount& m : spec.mounts) {
    if (m.type == "bind" && m.source.starts_with(memory)) add(m.source, c.file_label);
  }
  const runtime::SelinuxLabels shared = runtime::SelinuxLabelsFor({});
  for (const MountPlan& m : c.mounts) {
    auto v = std::find_if(plan.volumes.begin(), plan.volumes.end(),
                          [&](const VolumePlan& p) { return p.name == m.volume; });
    if (v == plan.volumes.end() || v->kind == VolumePlan::Kind::kImage || v->block_bytes > 0)
      continue;
    std::string label = v->kind == VolumePlan::Kind::kHostPath ? "" : c.file_label;
    if (m.relabel == "Z") label = c.file_label.empty() ? shared.files : c.file_label;
    if (m.relabel == "z") label = shared.files;
    add(VolumePath(paths, plan, *v), label);
  }
  return out;
}

Status RelabelMounts(const store::Paths& paths, const Plan& plan, const ContainerPlan& c,
                     const runtime::Spec& spec) {
  for (const auto& [path, label] : LabelsOfMounts(paths, plan, c, spec))
    TRY(runtime::Relabel(path, label));
  return OkStatus();
}

}  // namespace kpod::pods
