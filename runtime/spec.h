// The OCI runtime-spec configuration (config.json, v1.2), typed. What runs can be read, diffed and
// handed to another OCI runtime. Source: opencontainers/runtime-spec config.md and config-linux.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::runtime {

struct IdMap {
  uint32_t container = 0, host = 0, size = 0;
};
struct Mount {
  std::string destination;  // absolute in the container
  std::string
      type;  // "bind", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup"; "bind" by option too
  std::string source;
  // mount(8) words: ro, rbind, nosuid, rro, rslave, tmpcopyup, mode=..., size=...; and
  // "kpod.subpath=REL" of a bind mount: what is bound is REL below `source`, opened so that no link
  // leads out of it and made as a directory when absent (a volume's subPath).
  std::vector<std::string> options;
};
struct Rlimit {
  std::string type;  // "RLIMIT_NOFILE"
  uint64_t soft = 0, hard = 0;
};
struct User {
  uint32_t uid = 0, gid = 0;
  std::optional<uint32_t> umask;
  std::vector<uint32_t> additional_gids;
};
struct CapabilitySets {  // names with CAP_
  std::vector<std::string> bounding, effective, inheritable, permitted, ambient;
};
struct Process {
  bool terminal = false;
  uint16_t rows = 0, columns = 0;
  User user;
  std::vector<std::string> args, env;
  std::string cwd = "/";
  CapabilitySets capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile, selinux_label;
  std::optional<int> oom_score_adj;
};
struct Namespace {
  std::string type;  // pid network ipc uts mount user cgroup time
  std::string path;  // "": a new one
};
struct Device {
  std::string path, type;  // c b p
  int64_t major = 0, minor = 0;
  std::optional<uint32_t> file_mode, uid, gid;
};
struct DeviceRule {
  bool allow = false;
  std::string type = "a";  // a b c
  std::optional<int64_t> major, minor;
  std::string access = "rwm";
};
struct Resources {
  std::optional<int64_t> memory_limit, memory_reservation, memory_swap;  // bytes; -1 unlimited
  std::optional<uint64_t> cpu_shares, cpu_period;
  std::optional<int64_t> cpu_quota;  // microseconds a period; -1 unlimited
  std::string cpuset_cpus, cpuset_mems;
  std::optional<int64_t> pids_limit;
  std::vector<DeviceRule> devices;
  std::map<std::string, uint64_t> hugepages;  // "2MB" -> bytes
  std::map<std::string, std::string> unified;
};
struct Spec {
  std::string oci_version = "1.2.0";
  std::string root_path;
  bool root_readonly = false;
  std::string hostname, domainname;
  Process process;
  std::vector<Mount> mounts;
  std::vector<Namespace> namespaces;
  std::vector<IdMap> uid_mappings, gid_mappings;
  std::vector<Device> devices;
  Resources resources;
  std::string cgroups_path;
  std::map<std::string, std::string> sysctl;
  std::vector<std::string> masked_paths, readonly_paths;
  std::string rootfs_propagation;
  std::string mount_label;  // SELinux: of the files on the container's own file systems
  // linux.seccomp as OCI writes it; null: unconfined. With default_seccomp the default profile for
  // the capabilities of `process` is meant, which ToJson writes out in full; Start finds its
  // compiled form in a cache.
  Json seccomp;
  bool default_seccomp = false;
  std::map<std::string, std::string> annotations;

  const Namespace* Find(
      std::string_view namespace_type) const;  // null: the container shares the caller's
};

// Refuses what is not valid, and members of the specification that kpod does not carry out
// (docs/runtime.md): "runtimes MUST generate an error when they are unable to apply" them.
Result<Spec> ParseSpec(const Json& config);
// The first such member that `config` uses, as "linux.intelRdt", or "". Pure.
std::string UnsupportedMember(const Json& config);
Json ToJson(const Spec& spec);

}  // namespace kpod::runtime
