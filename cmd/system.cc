// info and version.
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/files.h"
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
  Print(TRY(FormatObject(in.Text("format"), text, version)));
  return 0;
}

// "Debian GNU/Linux 12 (bookworm)": PRETTY_NAME of os-release(5).
std::string OsName() {
  for (const std::string& line : Split(ReadFile("/etc/os-release", 1 << 16).value_or(""), '\n')) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    std::string name = line.substr(12);
    return name.starts_with('"') && name.size() > 1 ? name.substr(1, name.size() - 2) : name;
  }
  return "Linux";
}

Result<int> Info(Invocation& in) {
  utsname u{};
  ::uname(&u);
  int running = 0;
  std::vector<pods::PodRecord> all = TRY(pods::ListPods(in.paths));
  for (const pods::PodRecord& p : all) running += p.alive ? 1 : 0;
  images::ImageStore images(in.paths);
  struct sysinfo machine {};
  ::sysinfo(&machine);
  Json info = {{"version", KPOD_VERSION},
               {"kubernetes", "v1.36"},
               {"hostname", u.nodename},
               {"os", OsName()},
               {"arch", u.machine},
               {"kernel", u.release},
               {"cpus", ::get_nprocs()},
               {"memTotal", static_cast<uint64_t>(machine.totalram) * machine.mem_unit},
               {"memFree", static_cast<uint64_t>(machine.freeram) * machine.mem_unit},
               {"cgroups", runtime::CgroupVersion()},
               {"root", in.paths.root},
               {"run", in.paths.run},
               {"pods", all.size()},
               {"podsRunning", running},
               {"images", TRY(images.List()).size()}};
  Result<Json> network = network::Inspect(in.paths);
  info["network"] = network ? *network : Json(network.error().message());
  std::string text = Dump(info, 2) + "\n";
  Print(TRY(FormatObject(in.Text("format"), text, info)));
  return 0;
}

}  // namespace

void AddSystemCommands(std::vector<Command>* out) {
  out->push_back({{"info"}, {"system info"}, "", "Show what kpod runs on", "", FormatOption, Info});
  out->push_back({{"version"}, {}, "", "Print the version", "", FormatOption, Version});
}

}  // namespace kpod::cmd
