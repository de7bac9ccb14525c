// Containers for looking around (kpod debug), beside those of the plan: they share the pod's
// namespaces and its end, and neither restart nor hold it up.
// Source: Kubernetes, Ephemeral Containers.
#include <algorithm>

#include "base/text.h"
#include "pods/supervisor.h"

namespace kpod::pods {

Result<Supervisor::Debug*> Supervisor::StartDebug(const Json& request) {
  if (ending_) return Error("the pod is ending");
  ContainerPlan plan = TRY(ContainerPlanFromJson(At(request, "plan")));
  auto named = [](const std::string& name) {
    return [&name](const auto& c) { return c->plan.name == name; };
  };
  bool taken = std::any_of(debugs_.begin(), debugs_.end(), named(plan.name)) ||
               std::any_of(all_.begin(), all_.end(),
                           [&](const ContainerLife* l) { return l->plan().name == plan.name; });
  if (taken) return Error(StrCat("container ", plan.name, " exists already"));
  auto debug = std::make_unique<Debug>(std::move(plan), paths_, &*loop_, &*sandbox_);
  std::string target = StringAt(request, "target");
  if (!target.empty()) {
    auto life = std::find_if(all_.begin(), all_.end(),
                             [&](const ContainerLife* l) { return l->plan().name == target; });
    if (life == all_.end() || !(*life)->run().running())
      return Error(StrCat("container ", target, " is not running"));
    TRY(debug->run.JoinProcessesOf((*life)->status().pid));
  }
  std::vector<std::string> warnings;
  TRY(debug->run.Start(
      plan_, debug->plan,
      [this] {
        CheckEnd();
        if (!over_) Save();
      },
      &warnings));
  debugs_.push_back(std::move(debug));
  Tell("Normal", "Started", debugs_.back()->plan.name,
       "Started container " + debugs_.back()->plan.name);
  Save();
  return debugs_.back().get();
}

void Supervisor::OnDebug(int client, const Json& request, std::vector<Fd> pipes) {
  Result<Debug*> debug = StartDebug(request);
  if (!debug) {
    return Answer(client,
                  {{"error", debug.error().message()}, {"exit", debug.error().exit_code()}});
  }
  if (pipes.empty()) return Answer(client, {{"ok", true}});
  (*debug)->run.Attach(TakeConnection(client), std::move(pipes), BoolAt(request, "stdin"));
}

bool Supervisor::EndDebugs() {
  bool ended = true;
  for (const auto& d : debugs_) {
    if (!d->run.running()) continue;
    d->run.Kill();
    ended = false;
  }
  return ended;
}

}  // namespace kpod::pods
