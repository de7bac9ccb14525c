// stop, start, restart, rm, exec.
#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/select.h"
#include "pods/manager.h"

namespace kpod::cmd {

namespace {

void SelectOptions(po::options_description_easy_init& add) {
  add("all,a", po::bool_switch(), "every pod");
  add("selector,l", po::value<std::string>()->value_name("LABELS"),
      "pods whose labels match, as app=web");
}

void StopOptions(po::options_description_easy_init& add) {
  SelectOptions(add);
  add("time,t", po::value<int64_t>()->value_name("SECONDS"),
      "grace before SIGKILL (default: each pod's own)");
}

void RemoveOptions(po::options_description_easy_init& add) {
  StopOptions(add);
  add("force,f", po::bool_switch(), "stop it first when it runs");
}

std::optional<int64_t> GraceOf(const Invocation& in) {
  if (in.options.count("time") == 0) return std::nullopt;
  return in.options["time"].as<int64_t>();
}

Result<int> ForEach(Invocation& in,
                    const std::function<Status(pods::Manager&, const pods::PodRecord&)>& action) {
  pods::Manager manager(in.paths);
  for (const pods::PodRecord& p : TRY(SelectPods(in))) {
    TRY(action(manager, p).Context("pod " + p.plan.name));
    std::printf("%s\n", p.plan.name.c_str());
  }
  return 0;
}

Result<int> Start(Invocation& in) {
  return ForEach(in, [](pods::Manager& m, const pods::PodRecord& p) { return m.StartPod(p); });
}
Result<int> Stop(Invocation& in) {
  return ForEach(
      in, [&](pods::Manager& m, const pods::PodRecord& p) { return m.StopPod(p, GraceOf(in)); });
}
Result<int> Restart(Invocation& in) {
  return ForEach(
      in, [&](pods::Manager& m, const pods::PodRecord& p) { return m.RestartPod(p, GraceOf(in)); });
}
Result<int> Remove(Invocation& in) {
  return ForEach(in, [&](pods::Manager& m, const pods::PodRecord& p) {
    return m.RemovePod(p, in.Flag("force"), GraceOf(in));
  });
}

void ExecOptions(po::options_description_easy_init& add) {
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "container (default: the first)");
  add("stdin,i", po::bool_switch(), "pass standard input on");
  add("interactive", po::bool_switch(), "the same");
  add("tty,t", po::bool_switch(), "with a terminal");
  add("user,u", po::value<std::string>()->value_name("USER"), "user[:group], by name or number");
  add("workdir,w", po::value<std::string>()->value_name("DIR"), "working directory");
  add("env,e", po::value<std::vector<std::string>>()->value_name("A=B"), "environment");
}

Result<int> Exec(Invocation& in) {
  if (in.args.empty()) return Error("which pod? kpod exec POD COMMAND...");
  if (in.rest.empty()) return Error("which command? kpod exec " + in.args[0] + " COMMAND...");
  pods::Manager::ExecRequest request;
  std::string pod = in.args[0];
  request.container = in.Text("container");
  pods::PodRecord record = TRY(PodByName(in, pod));
  request.argv = in.rest;
  request.interactive = in.Flag("stdin") || in.Flag("interactive");
  request.tty = in.Flag("tty");
  request.user = in.Text("user");
  request.workdir = in.Text("workdir");
  request.env = in.Texts("env");
  pods::Manager manager(in.paths);
  return manager.Exec(record, request);
}

}  // namespace

void AddLifecycleCommands(std::vector<Command>* out) {
  out->push_back({{"exec"},
                  {"pod exec"},
                  "POD COMMAND...",
                  "Run a command in a running container",
                  "The exit code is the command's; 126 when it cannot be run, 127 when it is not "
                  "found.\n\nExamples:\n"
                  "  kpod exec web ls /\n  kpod exec -it web -c app sh",
                  ExecOptions,
                  Exec,
                  true});
  out->push_back({{"start"},
                  {"pod start"},
                  "POD...",
                  "Start pods that were stopped",
                  "",
                  SelectOptions,
                  Start});
  out->push_back({{"stop"},
                  {"pod stop"},
                  "POD...",
                  "Stop pods",
                  "Each container gets its stop signal, and SIGKILL after the grace period.",
                  StopOptions,
                  Stop});
  out->push_back(
      {{"restart"}, {"pod restart"}, "POD...", "Stop and start pods", "", StopOptions, Restart});
  out->push_back(
      {{"rm"},
       {"pod rm", "delete pod"},
       "POD...",
       "Remove pods",
       "A pod of a Deployment comes back, as in a cluster: take the Deployment down instead.",
       RemoveOptions,
       Remove});
}

}  // namespace kpod::cmd
