// info and version.
#include <sys/utsname.h>

#include <cstdio>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "images/images.h"
#include "network/network.h"
#include "pods/status.h"
#include "runtime/cgroup.h"

namespace kpod::cmd {

namespace {

Result<int> Version(Invocation& in) {
  Json version = {{"Version", KPOD_VERSION}, {"Kubernetes", "v1.36"}};
  std::string text = "kpod " KPOD_VERSION " (Kubernetes v1.36)\n";
  std::fputs(TRY(FormatObject(in.Text("format"), text, version)).c_str(), stdout);
  return 0;
}

Result<int> Info(Invocation& in) {
  utsname u{};
  ::uname(&u);
  int running = 0;
  std::vector<pods::PodRecord> all = TRY(pods::ListPods(in.paths));
  for (const pods::PodRecord& p : all) running += p.alive ? 1 : 0;
  images::ImageStore images(in.paths);
  Json info = {{"version", KPOD_VERSION},
               {"kernel", u.release},
               {"cgroups", runtime::CgroupVersion()},
               {"root", in.paths.root},
               {"run", in.paths.run},
               {"pods", all.size()},
               {"podsRunning", running},
               {"images", TRY(images.List()).size()}};
  Result<Json> network = network::Inspect(in.paths);
  info["network"] = network ? *network : Json(network.error().message());
  std::string text = Dump(info, 2) + "\n";
  std::fputs(TRY(FormatObject(in.Text("format"), text, info)).c_str(), stdout);
  return 0;
}

}  // namespace

void AddSystemCommands(std::vector<Command>* out) {
  out->push_back({{"info"}, {"system info"}, "", "Show what kpod runs on", "", FormatOption, Info});
  out->push_back({{"version"}, {}, "", "Print the version", "", FormatOption, Version});
}

}  // namespace kpod::cmd
