#include "pods/debug_plan.h"

#include "base/text.h"
#include "kube/decode.h"
#include "pods/make_plan.h"
#include "pods/reconciler.h"
#include "store/objects.h"

namespace kpod::pods {

namespace {

// What the pod was made of, without its containers.
Result<Json> SpecOf(const store::Paths& paths, const Plan& plan) {
  bool own = plan.owner_kind.empty();
  std::optional<store::StoredObject> object = TRY(store::ObjectStore(paths).Get(
      plan.ns, own ? "Pod" : plan.owner_kind, own ? plan.name : plan.owner_name));
  Json spec = Json::object();
  if (!object) return spec;
  const Json& from =
      own ? At(object->object, "spec") : At(At(At(object->object, "spec"), "template"), "spec");
  for (const char* field : {"securityContext", "serviceAccountName", "hostNetwork", "hostPID"}) {
    if (!At(from, field).is_null()) spec[field] = At(from, field);
  }
  return spec;
}

}  // namespace

Result<ContainerPlan> MakeDebugPlan(const store::Paths& paths, const PodRecord& pod,
                                    const DebugRequest& request, const LookupOptions& options) {
  Json container = {
      {"name", request.name.empty() ? "debugger-" + RandomSuffix() : request.name},
      {"image", request.image},
      {"stdin", request.input},
      {"stdinOnce", request.input},  // nobody else comes to type: the end of the input is its end
      {"tty", request.tty},
      {"securityContext", {{"capabilities", {{"add", Json::array({"SYS_PTRACE"})}}}}}};
  if (!request.pull_policy.empty()) container["imagePullPolicy"] = request.pull_policy;
  if (!request.command.empty()) container["command"] = request.command;
  for (const std::string& line : request.env) {
    size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(StrCat("--env ", line, ": wanted NAME=VALUE"));
    container["env"].push_back(
        {{"name", line.substr(0, equals)}, {"value", line.substr(equals + 1)}});
  }
  Json spec = TRY(SpecOf(paths, pod.plan));
  spec["containers"] = Json::array({container});
  kube::Pod decoded = kube::DecodePod({{"apiVersion", "v1"},
                                       {"kind", "Pod"},
                                       {"metadata",
                                        {{"name", pod.plan.name},
                                         {"namespace", pod.plan.ns},
                                         {"uid", pod.plan.uid},
                                         {"labels", pod.plan.labels}}},
                                       {"spec", spec}});
  ContainerPlan plan = MakeContainerPlan(decoded, decoded.spec.containers.at(0), pod.plan,
                                         MakeLookups(paths, pod.plan.ns, options));
  if (!plan.blocked.reason.empty()) return Error(plan.blocked.message);
  return plan;
}

}  // namespace kpod::pods
