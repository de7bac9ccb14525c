#include <string_view>

#include "base/text.h"
#include "runtime/spec.h"

namespace kpod::runtime {
namespace {

// Members of config.md, config-linux.md and config-vm.md (1.2) that would be ignored otherwise.
// "[]" stands for each element of a list.
constexpr std::string_view kUnsupported[] = {
    "hooks.prestart",
    "hooks.createRuntime",
    "hooks.createContainer",
    "hooks.startContainer",
    "hooks.poststart",
    "hooks.poststop",
    "vm",
    "windows",
    "solaris",
    "zos",
    "mounts.[].uidMappings",
    "mounts.[].gidMappings",
    "process.commandLine",
    "process.execCPUAffinity",
    "process.ioPriority",
    "process.scheduler",
    "process.user.username",
    "linux.intelRdt",
    "linux.memoryPolicy",
    "linux.netDevices",
    "linux.personality",
    "linux.timeOffsets",
    "linux.resources.blockIO",
    "linux.resources.cpu.burst",
    "linux.resources.cpu.idle",
    "linux.resources.cpu.realtimePeriod",
    "linux.resources.cpu.realtimeRuntime",
    "linux.resources.memory.checkBeforeUpdate",
    "linux.resources.memory.disableOOMKiller",
    "linux.resources.memory.kernel",
    "linux.resources.memory.kernelTCP",
    "linux.resources.memory.swappiness",
    "linux.resources.network",
    "linux.resources.rdma",
    "linux.seccomp.listenerPath",
    "linux.seccomp.listenerMetadata",
};

// An empty value or false asks for nothing.
bool Asks(const Json& v) {
  if (v.is_boolean()) return v.get<bool>();
  if (v.is_string()) return !v.get_ref<const std::string&>().empty();
  return v.is_number() || !v.empty();
}

bool Uses(const Json& v, std::string_view path) {
  if (path.empty()) return Asks(v);
  size_t dot = path.find('.');
  std::string_view head = path.substr(0, dot);
  std::string_view rest = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  if (head != "[]") return Uses(At(v, head), rest);
  if (!v.is_array()) return false;
  for (const Json& element : v) {
    if (Uses(element, rest)) return true;
  }
  return false;
}

}  // namespace

std::string UnsupportedMember(const Json& config) {
  for (std::string_view path : kUnsupported) {
    if (Uses(config, path)) return ReplaceAll(std::string(path), ".[]", "[]");
  }
  return "";
}

}  // namespace kpod::runtime
