// debug: a container for looking around, beside those of a running pod.
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cmd/attach.h"
#include "cmd/command.h"
#include "cmd/select.h"
#include "kube/rules_names.h"
#include "pods/control.h"
#include "pods/debug_plan.h"
#include "pods/find_container.h"

namespace kpod::cmd {

namespace {

void DebugOptions(po::options_description_easy_init& add) {
  add("image", po::value<std::string>()->value_name("IMAGE"), "what it is made of");
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "its name (default: debugger-xxxxx)");
  add("target", po::value<std::string>()->value_name("CONTAINER"),
      "the container whose processes it sees");
  add("stdin,i", po::bool_switch(), "pass standard input on, and stay with it");
  add("tty,t", po::bool_switch(), "with a terminal");
  add("attach", po::bool_switch(), "stay with it, although nothing is typed");
  add("env", po::value<std::vector<std::string>>()->value_name("A=B"), "environment");
  add("image-pull-policy", po::value<std::string>()->value_name("POLICY"),
      "Always, IfNotPresent or Never");
  add("quiet,q", po::bool_switch(), "print only what the container writes");
}

Result<pods::DebugRequest> RequestOf(const Invocation& in) {
  pods::DebugRequest r;
  r.name = in.Text("container");
  r.image = in.Text("image");
  if (r.image.empty()) return Error("--image is wanted: what the container is made of");
  if (!r.name.empty()) {
    std::string wrong = kube::rules::IsDns1123Label(r.name);
    if (!wrong.empty()) return Error(StrCat("--container ", r.name, ": ", wrong));
  }
  r.pull_policy = in.Text("image-pull-policy");
  bool known = r.pull_policy.empty() || r.pull_policy == "Always" ||
               r.pull_policy == "IfNotPresent" || r.pull_policy == "Never";
  if (!known)
    return Error(
        StrCat("--image-pull-policy ", r.pull_policy, ": wanted Always, IfNotPresent or Never"));
  r.command = in.rest;
  r.env = in.Texts("env");
  r.input = in.Flag("stdin");
  r.tty = in.Flag("tty");
  return r;
}

Result<int> Debug(Invocation& in) {
  if (in.args.empty()) return Error("which pod? kpod debug POD --image IMAGE");
  pods::DebugRequest request = TRY(RequestOf(in));
  pods::PodRecord pod = TRY(PodByName(in, in.args[0]));
  if (!pod.alive) return Error(StrCat("pod ", NameOf(pod), " is not running"));
  std::string target = in.Text("target");
  if (!target.empty()) TRY(pods::FindRunning(in.paths, pod, target));
  std::vector<std::string> warnings;
  pods::LookupOptions options;
  options.warnings = &warnings;
  pods::ContainerPlan plan = TRY(pods::MakeDebugPlan(in.paths, pod, request, options));
  for (const std::string& w : warnings) std::fprintf(stderr, "kpod: %s\n", w.c_str());
  bool quiet = in.Flag("quiet");
  if (!quiet && request.name.empty())
    std::fprintf(stderr, "Defaulting debug container name to %s.\n", plan.name.c_str());
  Json words = {{"op", "debug"}, {"plan", pods::ToJson(plan)}, {"target", target}};
  if (!request.input && !in.Flag("attach")) {
    TRY(pods::CallSupervisor(in.paths, pod.plan.ns, pod.plan.name, words));
    return 0;
  }
  pods::AttachRequest attach;
  attach.container = plan.name;
  attach.input = request.input;
  attach.tty = request.tty;
  attach.detach_keys = TRY(pods::DetachKeys::Parse("ctrl-p,ctrl-q"));
  attach.words = std::move(words);
  return RunAttached(in.paths, pod, std::move(attach), quiet);
}

}  // namespace

void AddDebugCommand(std::vector<Command>* out) {
  out->push_back(
      {{"debug"},
       {},
       "POD --image IMAGE [-- COMMAND...]",
       "Look around in a running pod from a container of its own",
       "It shares the pod's network and, with --target, the processes of a container; it "
       "ends with the pod.\nWithout -i it is left alone: kpod logs POD -c NAME shows what "
       "it writes. /proc/1/root is the root of\nthe target.\n\nExamples:\n"
       "  kpod debug -it web --image busybox\n"
       "  kpod debug -it web --image busybox --target nginx -- sh\n"
       "  kpod debug web --image busybox --attach -- wget -O- 127.0.0.1:8080",
       DebugOptions,
       Debug,
       true});
}

}  // namespace kpod::cmd
