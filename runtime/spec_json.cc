// Spec -> config.json, as another OCI runtime would take it.
#include "runtime/container.h"
#include "runtime/spec.h"

namespace kpod::runtime {
namespace {

Json IdMapsJson(const std::vector<IdMap>& maps) {
  Json out = Json::array();
  for (const IdMap& m : maps) {
    out.push_back({{"containerID", m.container}, {"hostID", m.host}, {"size", m.size}});
  }
  return out;
}

template <class T>
void Put(Json& j, const char* key, const std::optional<T>& value) {
  if (value) j[key] = *value;
}
void Put(Json& j, const char* key, const std::string& value) {
  if (!value.empty()) j[key] = value;
}
template <class T>
void Put(Json& j, const char* key, const std::vector<T>& value) {
  if (!value.empty()) j[key] = value;
}
void Put(Json& j, const char* key, const std::map<std::string, std::string>& value) {
  if (!value.empty()) j[key] = value;
}
void PutObject(Json& j, const char* key, Json value) {
  if (!value.empty()) j[key] = std::move(value);
}

Json ProcessJson(const Process& p) {
  Json j = Json::object();
  if (p.terminal) j["terminal"] = true;
  if (p.rows != 0 || p.columns != 0) {
    j["consoleSize"] = {{"height", p.rows}, {"width", p.columns}};
  }
  Json user = {{"uid", p.user.uid}, {"gid", p.user.gid}};
  Put(user, "umask", p.user.umask);
  Put(user, "additionalGids", p.user.additional_gids);
  j["user"] = std::move(user);
  j["args"] = p.args;
  Put(j, "env", p.env);
  j["cwd"] = p.cwd;
  // An absent list would mean the same as an empty one; all five are written so that a reader sees
  // that nothing is held.
  j["capabilities"] = {{"bounding", p.capabilities.bounding},
                       {"effective", p.capabilities.effective},
                       {"inheritable", p.capabilities.inheritable},
                       {"permitted", p.capabilities.permitted},
                       {"ambient", p.capabilities.ambient}};
  for (const Rlimit& l : p.rlimits) {
    j["rlimits"].push_back({{"type", l.type}, {"hard", l.hard}, {"soft", l.soft}});
  }
  if (p.no_new_privileges) j["noNewPrivileges"] = true;
  Put(j, "apparmorProfile", p.apparmor_profile);
  Put(j, "selinuxLabel", p.selinux_label);
  Put(j, "oomScoreAdj", p.oom_score_adj);
  return j;
}

Json ResourcesJson(const Resources& r) {
  Json j = Json::object();
  for (const DeviceRule& d : r.devices) {
    Json rule = {{"allow", d.allow}};
    if (d.type != "a") rule["type"] = d.type;
    Put(rule, "major", d.major);
    Put(rule, "minor", d.minor);
    rule["access"] = d.access;
    j["devices"].push_back(std::move(rule));
  }
  Json memory = Json::object();
  Put(memory, "limit", r.memory_limit);
  Put(memory, "reservation", r.memory_reservation);
  Put(memory, "swap", r.memory_swap);
  PutObject(j, "memory", std::move(memory));
  Json cpu = Json::object();
  Put(cpu, "shares", r.cpu_shares);
  Put(cpu, "quota", r.cpu_quota);
  Put(cpu, "period", r.cpu_period);
  Put(cpu, "cpus", r.cpuset_cpus);
  Put(cpu, "mems", r.cpuset_mems);
  PutObject(j, "cpu", std::move(cpu));
  if (r.pids_limit) j["pids"] = {{"limit", *r.pids_limit}};
  for (auto& [size, limit] : r.hugepages) {
    j["hugepageLimits"].push_back({{"pageSize", size}, {"limit", limit}});
  }
  Put(j, "unified", r.unified);
  return j;
}

Json LinuxJson(const Spec& s) {
  Json j = Json::object();
  for (const Namespace& n : s.namespaces) {
    Json e = {{"type", n.type}};
    Put(e, "path", n.path);
    j["namespaces"].push_back(std::move(e));
  }
  PutObject(j, "uidMappings", IdMapsJson(s.uid_mappings));
  PutObject(j, "gidMappings", IdMapsJson(s.gid_mappings));
  for (const Device& d : s.devices) {
    Json e = {{"path", d.path}, {"type", d.type}, {"major", d.major}, {"minor", d.minor}};
    Put(e, "fileMode", d.file_mode);
    Put(e, "uid", d.uid);
    Put(e, "gid", d.gid);
    j["devices"].push_back(std::move(e));
  }
  PutObject(j, "resources", ResourcesJson(s.resources));
  Put(j, "cgroupsPath", s.cgroups_path);
  Put(j, "sysctl", s.sysctl);
  Put(j, "maskedPaths", s.masked_paths);
  Put(j, "readonlyPaths", s.readonly_paths);
  Put(j, "rootfsPropagation", s.rootfs_propagation);
  Put(j, "mountLabel", s.mount_label);
  if (s.default_seccomp) {
    j["seccomp"] = DefaultSeccompProfile(s.process.capabilities.bounding);
  } else if (!s.seccomp.is_null()) {
    j["seccomp"] = s.seccomp;
  }
  return j;
}
}  // namespace

Json ToJson(const Spec& s) {
  Json j = Json::object();
  j["ociVersion"] = s.oci_version;
  j["process"] = ProcessJson(s.process);
  j["root"] = {{"path", s.root_path}};
  if (s.root_readonly) j["root"]["readonly"] = true;
  Put(j, "hostname", s.hostname);
  Put(j, "domainname", s.domainname);
  for (const Mount& m : s.mounts) {
    Json e = {{"destination", m.destination}};
    Put(e, "type", m.type);
    Put(e, "source", m.source);
    Put(e, "options", m.options);
    j["mounts"].push_back(std::move(e));
  }
  Put(j, "annotations", s.annotations);
  PutObject(j, "linux", LinuxJson(s));
  return j;
}

}  // namespace kpod::runtime
