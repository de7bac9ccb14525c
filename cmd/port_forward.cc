// port-forward: ports of this machine to a pod's.
#include "pods/port_forward.h"

#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/select.h"

namespace kpod::cmd {

namespace {

void ForwardOptions(po::options_description_easy_init& add) {
  add("address", po::value<std::vector<std::string>>()->value_name("ADDRESS"),
      "where to listen: addresses of this machine, comma separated (default: localhost)");
}

// Of a Deployment's pods one that runs.
Result<pods::PodRecord> RunningPod(const Invocation& in, const std::string& word) {
  std::vector<pods::PodRecord> all = TRY(PodsByName(in, word));
  for (pods::PodRecord& p : all) {
    if (p.alive && p.status.phase == "Running") return std::move(p);
  }
  return std::move(all.front());
}

Result<int> PortForward(Invocation& in) {
  if (in.args.empty()) return Error("which pod? kpod port-forward POD [LOCAL:]REMOTE...");
  if (in.args.size() < 2)
    return Error("at least 1 PORT is required for port-forward: [LOCAL:]REMOTE");
  pods::PodRecord pod = TRY(RunningPod(in, in.args[0]));
  pods::ForwardRequest request;
  for (size_t i = 1; i < in.args.size(); ++i)
    request.ports.push_back(TRY(pods::ParseForward(in.args[i], pod.plan)));
  if (in.Has("address")) request.addresses = TRY(pods::ParseAddresses(in.Texts("address")));
  request.say = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);  // scripts wait for it
  };
  request.complain = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  TRY(pods::Forward(pod, request));
  return 0;
}

}  // namespace

void AddPortForwardCommand(std::vector<Command>* out) {
  out->push_back(
      {{"port-forward"},
       {},
       "POD [LOCAL:]REMOTE...",
       "Forward ports of this machine to a pod",
       "Until Ctrl-C, or the pod's end. Programs that listen on the pod's 127.0.0.1 only "
       "are reached, too. Without LOCAL the same port is used here; :REMOTE takes any "
       "that is free; a container's port goes by its name as well.\n\nExamples:\n"
       "  kpod port-forward web 8080:80\n  kpod port-forward deployment/web :http\n"
       "  kpod port-forward web 8080:80 8443:443 --address 0.0.0.0",
       ForwardOptions,
       PortForward});
}

}  // namespace kpod::cmd
