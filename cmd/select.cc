#include "cmd/select.h"

#include "kube/types.h"

namespace kpod::cmd {

Result<std::vector<pods::PodRecord>> SelectPods(const Invocation& in) {
  std::vector<pods::PodRecord> out;
  if (!in.args.empty()) {
    for (const std::string& name : in.args) {
      out.push_back(
          TRY(pods::FindPod(in.paths, in.ns, name.starts_with("pod/") ? name.substr(4) : name)));
    }
    return out;
  }
  std::string selector = in.Text("selector");
  if (!in.Flag("all") && selector.empty())
    return Error("which pod? Name it, or use --all or --selector");
  kube::LabelSelector labels = TRY(kube::ParseSelector(selector));
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool here = in.Flag("all") ? !in.Has("namespace") || p.plan.ns == in.ns : p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
}

}  // namespace kpod::cmd
