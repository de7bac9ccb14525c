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
  add("all-namespaces,A", po::bool_switch(), "with --selector: of every namespace");
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

Result<std::optional<int64_t>> GraceOf(const Invocation& in) {
  if (in.options.count("time") == 0) return std::optional<int64_t>();
  auto seconds = in.options["time"].as<int64_t>();
  if (seconds < 0) return Error(StrCat("--time ", seconds, ": wanted 0 or more seconds"));
  return std::optional<int64_t>(seconds);
}

// Those that are there when what a command that was killed left is repaired.
Result<std::vector<pods::PodRecord>> PodsToChange(const Invocation& in, pods::Manager* manager) {
  TRY(manager->Repair());
  return SelectPods(in);
}

// One that cannot be done does not keep the others.
Result<int> ForEach(const std::vector<pods::PodRecord>& pods,
                    const std::function<Status(const pods::PodRecord&)>& action) {
  std::vector<std::string> failed;
  int code = 0;
  for (const pods::PodRecord& p : pods) {
    Status done = action(p).Context("pod " + NameOf(p));
    if (done) {
      std::printf("%s\n", NameOf(p).c_str());
      continue;
    }
    failed.push_back(done.error().message());
    code = std::max(code, done.error().exit_code());
  }
  if (!failed.empty()) return Error(Join(failed, "; "), code);
  return 0;
}

Result<int> Start(Invocation& in) {
  pods::Manager manager(in.paths);
  return ForEach(TRY(PodsToChange(in, &manager)),
                 [&](const pods::PodRecord& p) { return manager.StartPod(p); });
}

Result<int> Stop(Invocation& in) {
  pods::Manager manager(in.paths);
  std::vector<pods::PodRecord> pods = TRY(PodsToChange(in, &manager));
  std::optional<int64_t> grace = TRY(GraceOf(in));
  TRY(manager.StopPods(pods, grace));
  return ForEach(pods, [](const pods::PodRecord&) { return OkStatus(); });
}

Result<int> Restart(Invocation& in) {
  pods::Manager manager(in.paths);
  std::vector<pods::PodRecord> pods = TRY(PodsToChange(in, &manager));
  std::optional<int64_t> grace = TRY(GraceOf(in));
  TRY(manager.StopPods(pods, grace));
  return ForEach(pods, [&](const pods::PodRecord& p) { return manager.RestartPod(p, grace); });
}

Result<int> Remove(Invocation& in) {
  pods::Manager manager(in.paths);
  std::vector<pods::PodRecord> pods = TRY(PodsToChange(in, &manager));
  std::optional<int64_t> grace = TRY(GraceOf(in));
  bool force = in.Flag("force");
  if (force) TRY(manager.StopPods(pods, grace));
  return ForEach(pods,
                 [&](const pods::PodRecord& p) { return manager.RemovePod(p, force, grace); });
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
  pods::PodRecord record = TRY(PodByName(in, pod));
  request.container = TRY(ContainerOf(record, in.Text("container")));
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
