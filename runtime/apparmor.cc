#include "runtime/apparmor.h"

#include <algorithm>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"

namespace kpod::runtime {

bool AppArmorHost::Has(std::string_view name) const {
  return std::find(profiles.begin(), profiles.end(), name) != profiles.end();
}

std::vector<std::string> ParseAppArmorProfiles(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string& line : Split(text, '\n')) {
    // A name may hold blanks and brackets; the mode is what the last ones say.
    size_t mode = line.rfind(" (");
    if (mode == std::string::npos || mode == 0 || !line.ends_with(')')) continue;
    out.push_back(line.substr(0, mode));
  }
  return out;
}

AppArmorHost ReadAppArmorHost(const std::string& sys) {
  AppArmorHost host;
  Result<std::string> enabled = ReadFile(sys + "/module/apparmor/parameters/enabled", 16);
  host.enabled = enabled && Trim(*enabled) == "Y";
  if (!host.enabled) return host;
  Result<std::string> profiles = ReadFile(sys + "/kernel/security/apparmor/profiles");
  host.profiles_known = profiles.ok();
  if (profiles) host.profiles = ParseAppArmorProfiles(*profiles);
  return host;
}

std::string DefaultAppArmorPolicy() {
  // Without includes, which are files that a machine may lack; without an ABI line, which parsers
  // older than 3.0 do not know.
  return R"(profile kpod-default flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  umount,
  signal (receive) peer=unconfined,
  signal (send, receive) peer=kpod-default,
  ptrace (read, readby, trace, tracedby) peer=kpod-default,

  deny mount,
  deny /proc/sys/kernel/{core_pattern,modprobe,hotplug,poweroff_cmd} wkl,
  deny /proc/{kcore,kmem,mem,sysrq-trigger} rwkl,
  deny /sys/firmware/** rwkl,
  deny /sys/kernel/security/** rwkl,
  deny /sys/kernel/{debug,tracing,uevent_helper}{,/**} wkl,
}
)";
}

Status LoadDefaultAppArmorProfile(const AppArmorHost& host) {
  if (!host.enabled || host.Has(kDefaultAppArmorProfile)) return OkStatus();
  SpawnOptions parser;
  // PATH of a user who became root may lack it.
  const std::string usual = "/usr/sbin/apparmor_parser";
  parser.argv = {Exists(usual) ? usual : "apparmor_parser", "--replace", "--skip-cache"};
  parser.input = DefaultAppArmorPolicy();
  Result<std::string> loaded = RunChecked(parser);
  if (loaded) return OkStatus();
  return std::move(loaded.error())
      .Wrap(StrCat("load the AppArmor profile ", kDefaultAppArmorProfile));
}

}  // namespace kpod::runtime
