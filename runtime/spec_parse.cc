// config.json -> Spec. Wrong types are refused with their place; unknown members are let pass, as
// the specification asks ("Extensibility": runtimes must not generate an error).
#include <algorithm>

#include "base/text.h"
#include "runtime/json_reader.h"
#include "runtime/spec.h"

namespace kpod::runtime {
namespace {

void ReadProcess(JsonReader r, Process* p) {
  r.Get("terminal", &p->terminal);
  JsonReader size = r.Object("consoleSize");
  size.Get("height", &p->rows);
  size.Get("width", &p->columns);
  JsonReader user = r.Object("user");
  user.Get("uid", &p->user.uid);
  user.Get("gid", &p->user.gid);
  user.Get("umask", &p->user.umask);
  user.Get("additionalGids", &p->user.additional_gids);
  r.Get("args", &p->args);
  r.Get("env", &p->env);
  r.Get("cwd", &p->cwd);
  JsonReader caps = r.Object("capabilities");
  caps.Get("bounding", &p->capabilities.bounding);
  caps.Get("effective", &p->capabilities.effective);
  caps.Get("inheritable", &p->capabilities.inheritable);
  caps.Get("permitted", &p->capabilities.permitted);
  caps.Get("ambient", &p->capabilities.ambient);
  r.Each("rlimits", [&](const Json& e, const std::string& path) {
    Rlimit limit;
    JsonReader l = r.Element(e, path);
    l.Get("type", &limit.type);
    l.Get("soft", &limit.soft);
    l.Get("hard", &limit.hard);
    p->rlimits.push_back(std::move(limit));
  });
  r.Get("noNewPrivileges", &p->no_new_privileges);
  r.Get("apparmorProfile", &p->apparmor_profile);
  r.Get("selinuxLabel", &p->selinux_label);
  r.Get("oomScoreAdj", &p->oom_score_adj);
}

void ReadIdMaps(JsonReader& r, std::string_view key, std::vector<IdMap>* out) {
  r.Each(key, [&](const Json& e, const std::string& path) {
    IdMap map;
    JsonReader m = r.Element(e, path);
    m.Get("containerID", &map.container);
    m.Get("hostID", &map.host);
    m.Get("size", &map.size);
    out->push_back(map);
  });
}

void ReadResources(JsonReader r, Resources* out) {
  JsonReader memory = r.Object("memory");
  memory.Get("limit", &out->memory_limit);
  memory.Get("reservation", &out->memory_reservation);
  memory.Get("swap", &out->memory_swap);
  JsonReader cpu = r.Object("cpu");
  cpu.Get("shares", &out->cpu_shares);
  cpu.Get("quota", &out->cpu_quota);
  cpu.Get("period", &out->cpu_period);
  cpu.Get("cpus", &out->cpuset_cpus);
  cpu.Get("mems", &out->cpuset_mems);
  r.Object("pids").Get("limit", &out->pids_limit);
  r.Each("devices", [&](const Json& e, const std::string& path) {
    DeviceRule rule;
    JsonReader d = r.Element(e, path);
    d.Get("allow", &rule.allow);
    d.Get("type", &rule.type);
    d.Get("major", &rule.major);
    d.Get("minor", &rule.minor);
    d.Get("access", &rule.access);
    out->devices.push_back(std::move(rule));
  });
  r.Each("hugepageLimits", [&](const Json& e, const std::string& path) {
    std::string size;
    uint64_t limit = 0;
    JsonReader h = r.Element(e, path);
    h.Get("pageSize", &size);
    h.Get("limit", &limit);
    out->hugepages[size] = limit;
  });
  r.Get("unified", &out->unified);
}

void ReadLinux(JsonReader r, Spec* s) {
  r.Each("namespaces", [&](const Json& e, const std::string& path) {
    Namespace n;
    JsonReader reader = r.Element(e, path);
    reader.Get("type", &n.type);
    reader.Get("path", &n.path);
    static const std::vector<std::string> known = {"pid",   "network", "ipc",    "uts",
                                                   "mount", "user",    "cgroup", "time"};
    if (std::find(known.begin(), known.end(), n.type) == known.end()) {
      reader.Fail("type", StrCat(Quote(n.type), " is no namespace"));
    }
    if (s->Find(n.type) != nullptr) reader.Fail("type", StrCat(n.type, " given twice"));
    s->namespaces.push_back(std::move(n));
  });
  ReadIdMaps(r, "uidMappings", &s->uid_mappings);
  ReadIdMaps(r, "gidMappings", &s->gid_mappings);
  r.Each("devices", [&](const Json& e, const std::string& path) {
    Device d;
    JsonReader reader = r.Element(e, path);
    reader.Get("path", &d.path);
    reader.Get("type", &d.type);
    reader.Get("major", &d.major);
    reader.Get("minor", &d.minor);
    reader.Get("fileMode", &d.file_mode);
    reader.Get("uid", &d.uid);
    reader.Get("gid", &d.gid);
    s->devices.push_back(std::move(d));
  });
  ReadResources(r.Object("resources"), &s->resources);
  r.Get("cgroupsPath", &s->cgroups_path);
  r.Get("sysctl", &s->sysctl);
  r.Get("maskedPaths", &s->masked_paths);
  r.Get("readonlyPaths", &s->readonly_paths);
  r.Get("rootfsPropagation", &s->rootfs_propagation);
  r.Get("mountLabel", &s->mount_label);
  s->seccomp = r.Raw("seccomp");
}
}  // namespace

Result<Spec> ParseSpec(const Json& config) {
  if (!config.is_object()) return Error("not an object");
  Spec s;
  std::optional<Error> error;
  JsonReader r(config, "", &error);
  r.Get("ociVersion", &s.oci_version);
  if (!s.oci_version.starts_with("1.")) {
    return Error(StrCat("ociVersion: ", Quote(s.oci_version), " is not 1.x"));
  }
  JsonReader root = r.Object("root");
  root.Get("path", &s.root_path);
  root.Get("readonly", &s.root_readonly);
  r.Get("hostname", &s.hostname);
  r.Get("domainname", &s.domainname);
  ReadProcess(r.Object("process"), &s.process);
  r.Each("mounts", [&](const Json& e, const std::string& path) {
    Mount m;
    JsonReader reader = r.Element(e, path);
    reader.Get("destination", &m.destination);
    reader.Get("type", &m.type);
    reader.Get("source", &m.source);
    reader.Get("options", &m.options);
    if (!m.destination.starts_with('/')) m.destination = "/" + m.destination;  // as runc does
    s.mounts.push_back(std::move(m));
  });
  r.Get("annotations", &s.annotations);
  ReadLinux(r.Object("linux"), &s);
  if (error) return std::move(*error);
  if (std::string member = UnsupportedMember(config); !member.empty()) {
    return Error(member + ": not supported");
  }
  if (r.Has("process") && !s.process.cwd.starts_with('/')) {
    return Error("process.cwd: not an absolute path");
  }
  return s;
}

}  // namespace kpod::runtime
