// attach: a terminal, or pipes, at a running container.
#include "cmd/attach.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/select.h"
#include "pods/find_container.h"
#include "pods/terminal.h"

namespace kpod::cmd {

namespace {

void AttachOptions(po::options_description_easy_init& add) {
  add("container,c", po::value<std::string>()->value_name("NAME"),
      "container (default: the first)");
  add("stdin,i", po::bool_switch(), "pass standard input on");
  add("tty,t", po::bool_switch(), "standard input is a terminal");
  add("detach-keys", po::value<std::string>()->default_value("ctrl-p,ctrl-q")->value_name("KEYS"),
      "typed one after the other, they leave the container; \"\": none");
  add("quiet,q", po::bool_switch(), "print only what the container writes");
}

void Say(bool quiet, const std::string& line) {
  if (!quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace

Result<int> RunAttached(const store::Paths& paths, const pods::PodRecord& pod,
                        pods::AttachRequest request, bool quiet) {
  std::string container = request.container;
  bool restarts =
      pods::FindContainer(pod.plan, container).ok() && pod.plan.restart_policy == "Always";
  request.on_terminal = [quiet] {
    Say(quiet,
        "All commands and output from this session will be recorded in container logs, including "
        "credentials and sensitive information passed through the command prompt.\nIf you don't "
        "see a command prompt, try pressing enter.");
  };
  pods::AttachEnd end = TRY(pods::Attach(paths, pod, std::move(request)));
  if (end.signal != 0) pods::EndBy(end.signal);
  if (end.was_terminal && end.detached) Say(quiet, "");
  if (end.was_terminal && !end.detached && restarts) {
    Say(quiet, StrCat("Session ended, resume using 'kpod attach ", pod.plan.name, " -c ", container,
                      " -i -t' command when the pod is running"));
  }
  return end.detached ? 0 : end.exit_code;
}

namespace {

Result<int> Attach(Invocation& in) {
  if (in.args.size() != 1) return Error("which pod? kpod attach POD");
  pods::PodRecord pod = TRY(PodByName(in, in.args[0]));
  bool over = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  if (over && !pod.alive)
    return Error("cannot attach a container in a completed pod; current phase is " +
                 pod.status.phase);
  pods::RunningContainer running = TRY(pods::FindRunning(in.paths, pod, in.Text("container")));
  const pods::ContainerPlan& c = *running.plan;
  bool quiet = in.Flag("quiet");
  pods::AttachRequest request;
  request.container = c.name;
  request.input = in.Flag("stdin");
  request.detach_keys = TRY(pods::DetachKeys::Parse(in.Text("detach-keys")));
  if (in.Flag("tty") && !c.tty)
    Say(quiet, StrCat("error: Unable to use a TTY - container ", c.name, " did not allocate one"));
  if (request.input && !c.stdin_open)
    Say(quiet, StrCat("error: container ", c.name, " takes no standard input: stdin is not true"));
  // With a terminal on the other side this one must be raw, asked for or not.
  request.tty = c.tty;
  return RunAttached(in.paths, pod, std::move(request), quiet);
}

}  // namespace

void AddAttachCommand(std::vector<Command>* out) {
  out->push_back(
      {{"attach"},
       {},
       "POD",
       "See what a running container writes, and type to it",
       "Until the container ends; the exit code is the container's. What it wrote before is in "
       "its log.\nInput needs \"stdin: true\" in the manifest, a terminal \"tty: true\". "
       "Ctrl-P Ctrl-Q leaves a terminal,\nand the container goes on.\n\nExamples:\n"
       "  kpod attach web\n  kpod attach -it shell -c main\n"
       "  echo 'SELECT 1;' | kpod attach -i sql",
       AttachOptions,
       Attach});
}

}  // namespace kpod::cmd
