// config.json <-> Spec. Parsing refuses wrong types with the place; unknown members are let pass,
// as the specification asks ("Extensibility": runtimes must not generate an error).
#include <algorithm>
#include <limits>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"
#include "runtime/spec.h"

namespace kpod::runtime {
namespace {

constexpr size_t kMaxEntries = 100000;  // of any list: config.json may be hostile

// Reads members of one object, remembering the first error with its path.
class Reader {
 public:
  Reader(const Json& object, std::string where, std::optional<Error>* error)
      : object_(object), where_(std::move(where)), error_(error) {
    if (!object.is_null() && !object.is_object()) Fail("", "not an object");
  }

  bool Has(std::string_view key) const { return !At(object_, key).is_null(); }
  Reader Object(std::string_view key) { return Reader(At(object_, key), Path(key), error_); }
  const Json& Raw(std::string_view key) const { return At(object_, key); }

  void Get(std::string_view key, std::string* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_string()) return Fail(key, "not a string");
    *out = v.get<std::string>();
    if (out->find('\0') != std::string::npos) Fail(key, "contains a NUL byte");
  }
  void Get(std::string_view key, bool* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_boolean()) return Fail(key, "not true or false");
    *out = v.get<bool>();
  }
  template <class N>
  requires std::is_integral_v<N>
  void Get(std::string_view key, N* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (v.is_number_unsigned()) {
      if (v.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<N>::max())) {
        return Fail(key, "too large");
      }
    } else if (v.is_number_integer()) {
      int64_t n = v.get<int64_t>();
      if (!std::in_range<N>(n)) return Fail(key, "out of range");
    } else {
      return Fail(key, "not a whole number");
    }
    *out = v.get<N>();
  }
  template <class T>
  void Get(std::string_view key, std::optional<T>* out) {
    if (!Has(key)) return;
    T value{};
    Get(key, &value);
    *out = std::move(value);
  }
  void Get(std::string_view key, std::vector<std::string>* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_array()) return Fail(key, "not a list");
    for (const Json& e : v) {
      if (!e.is_string()) return Fail(key, "an element is not a string");
      out->push_back(e.get<std::string>());
      if (out->back().find('\0') != std::string::npos) return Fail(key, "contains a NUL byte");
    }
  }
  void Get(std::string_view key, std::vector<uint32_t>* out) {
    Each(key, [&](const Json& e, const std::string&) {
      if (!e.is_number_integer() || !std::in_range<uint32_t>(e.get<int64_t>())) {
        return Fail(key, "an element is not an id");
      }
      out->push_back(e.get<uint32_t>());
    });
  }
  void Get(std::string_view key, std::map<std::string, std::string>* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_object()) return Fail(key, "not an object");
    for (auto& [name, value] : v.items()) {
      if (!value.is_string()) return Fail(StrCat(key, ".", name), "not a string");
      (*out)[name] = value.get<std::string>();
    }
  }
  // Calls `body(element, path)` for each element of a list.
  template <class F>
  void Each(std::string_view key, F body) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_array()) return Fail(key, "not a list");
    if (v.size() > kMaxEntries) return Fail(key, "too long");
    size_t i = 0;
    for (const Json& e : v) body(e, StrCat(Path(key), "[", i++, "]"));
  }
  Reader Element(const Json& e, const std::string& path) { return Reader(e, path, error_); }
  void Fail(std::string_view key, std::string_view why) {
    if (!*error_) *error_ = Error(StrCat(Path(key), ": ", why));
  }

 private:
  std::string Path(std::string_view key) const {
    if (where_.empty()) return std::string(key);
    return key.empty() ? where_ : StrCat(where_, ".", key);
  }
  const Json& object_;
  std::string where_;
  std::optional<Error>* error_;
};

void ReadProcess(Reader r, Process* p) {
  r.Get("terminal", &p->terminal);
  Reader size = r.Object("consoleSize");
  size.Get("height", &p->rows);
  size.Get("width", &p->columns);
  Reader user = r.Object("user");
  user.Get("uid", &p->user.uid);
  user.Get("gid", &p->user.gid);
  user.Get("umask", &p->user.umask);
  user.Get("additionalGids", &p->user.additional_gids);
  r.Get("args", &p->args);
  r.Get("env", &p->env);
  r.Get("cwd", &p->cwd);
  Reader caps = r.Object("capabilities");
  caps.Get("bounding", &p->capabilities.bounding);
  caps.Get("effective", &p->capabilities.effective);
  caps.Get("inheritable", &p->capabilities.inheritable);
  caps.Get("permitted", &p->capabilities.permitted);
  caps.Get("ambient", &p->capabilities.ambient);
  r.Each("rlimits", [&](const Json& e, const std::string& path) {
    Rlimit limit;
    Reader l = r.Element(e, path);
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

void ReadIdMaps(Reader& r, std::string_view key, std::vector<IdMap>* out) {
  r.Each(key, [&](const Json& e, const std::string& path) {
    IdMap map;
    Reader m = r.Element(e, path);
    m.Get("containerID", &map.container);
    m.Get("hostID", &map.host);
    m.Get("size", &map.size);
    out->push_back(map);
  });
}

void ReadResources(Reader r, Resources* out) {
  Reader memory = r.Object("memory");
  memory.Get("limit", &out->memory_limit);
  memory.Get("reservation", &out->memory_reservation);
  memory.Get("swap", &out->memory_swap);
  Reader cpu = r.Object("cpu");
  cpu.Get("shares", &out->cpu_shares);
  cpu.Get("quota", &out->cpu_quota);
  cpu.Get("period", &out->cpu_period);
  cpu.Get("cpus", &out->cpuset_cpus);
  cpu.Get("mems", &out->cpuset_mems);
  r.Object("pids").Get("limit", &out->pids_limit);
  r.Each("devices", [&](const Json& e, const std::string& path) {
    DeviceRule rule;
    Reader d = r.Element(e, path);
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
    Reader h = r.Element(e, path);
    h.Get("pageSize", &size);
    h.Get("limit", &limit);
    out->hugepages[size] = limit;
  });
  r.Get("unified", &out->unified);
}

void ReadLinux(Reader r, Spec* s) {
  r.Each("namespaces", [&](const Json& e, const std::string& path) {
    Namespace n;
    Reader reader = r.Element(e, path);
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
    Reader reader = r.Element(e, path);
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
  s->seccomp = r.Raw("seccomp");
}

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
  if (s.default_seccomp) {
    j["seccomp"] = DefaultSeccompProfile(s.process.capabilities.bounding);
  } else if (!s.seccomp.is_null()) {
    j["seccomp"] = s.seccomp;
  }
  return j;
}

}  // namespace

Result<Spec> ParseSpec(const Json& config) {
  if (!config.is_object()) return Error("not an object");
  Spec s;
  std::optional<Error> error;
  Reader r(config, "", &error);
  r.Get("ociVersion", &s.oci_version);
  if (!s.oci_version.starts_with("1.")) {
    return Error(StrCat("ociVersion: ", Quote(s.oci_version), " is not 1.x"));
  }
  Reader root = r.Object("root");
  root.Get("path", &s.root_path);
  root.Get("readonly", &s.root_readonly);
  r.Get("hostname", &s.hostname);
  r.Get("domainname", &s.domainname);
  ReadProcess(r.Object("process"), &s.process);
  r.Each("mounts", [&](const Json& e, const std::string& path) {
    Mount m;
    Reader reader = r.Element(e, path);
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
