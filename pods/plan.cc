#include "pods/plan.h"

#include <tuple>

#include "base/text.h"

// Each struct's fields are named once; writing and reading both walk that list, so that neither can
// forget one. A field with its default value is left out: plan.json is short and reads well.

namespace kpod::pods {

namespace {

template <class S, class T>
struct Field {
  const char* key;
  T S::*member;
};
template <class S, class T>
constexpr Field<S, T> F(const char* key, T S::*member) {
  return {key, member};
}

constexpr auto FieldsOf(const kube::KeyToPath*) {
  using S = kube::KeyToPath;
  return std::make_tuple(F("key", &S::key), F("path", &S::path), F("mode", &S::mode));
}
constexpr auto FieldsOf(const kube::KeyedVolume*) {
  using S = kube::KeyedVolume;
  return std::make_tuple(F("name", &S::name), F("items", &S::items),
                         F("defaultMode", &S::default_mode), F("optional", &S::optional));
}
constexpr auto FieldsOf(const kube::HostAlias*) {
  using S = kube::HostAlias;
  return std::make_tuple(F("ip", &S::ip), F("hostnames", &S::hostnames));
}
constexpr auto FieldsOf(const kube::DnsConfig*) {
  using S = kube::DnsConfig;
  return std::make_tuple(F("nameservers", &S::nameservers), F("searches", &S::searches),
                         F("options", &S::options));
}
constexpr auto FieldsOf(const PortPlan*) {
  using S = PortPlan;
  return std::make_tuple(F("name", &S::name), F("protocol", &S::protocol), F("hostIP", &S::host_ip),
                         F("containerPort", &S::container_port), F("hostPort", &S::host_port));
}
constexpr auto FieldsOf(const VolumePlan*) {
  using S = VolumePlan;
  return std::make_tuple(F("name", &S::name), F("kind", &S::kind), F("source", &S::source),
                         F("hostPathType", &S::host_path_type), F("sizeLimit", &S::size_limit),
                         F("readOnly", &S::read_only), F("keyed", &S::keyed));
}
constexpr auto FieldsOf(const MountPlan*) {
  using S = MountPlan;
  return std::make_tuple(F("volume", &S::volume), F("path", &S::path), F("subPath", &S::sub_path),
                         F("propagation", &S::propagation), F("readOnly", &S::read_only));
}
constexpr auto FieldsOf(const Blocked*) {
  using S = Blocked;
  return std::make_tuple(F("reason", &S::reason), F("message", &S::message));
}
constexpr auto FieldsOf(const ContainerPlan*) {
  using S = ContainerPlan;
  return std::make_tuple(
      F("name", &S::name), F("image", &S::image), F("imageID", &S::image_id),
      F("imagePullPolicy", &S::image_pull_policy), F("layers", &S::layers), F("argv", &S::argv),
      F("env", &S::env), F("cwd", &S::cwd), F("uid", &S::uid), F("gid", &S::gid),
      F("groups", &S::groups), F("tty", &S::tty), F("stdin", &S::stdin_open),
      F("stdinOnce", &S::stdin_once), F("privileged", &S::privileged),
      F("readOnlyRoot", &S::read_only_root), F("noNewPrivileges", &S::no_new_privileges),
      F("unmaskedProc", &S::unmasked_proc), F("capabilities", &S::capabilities),
      F("seccomp", &S::seccomp), F("mounts", &S::mounts), F("ports", &S::ports),
      F("memoryLimit", &S::memory_limit), F("cpuMilliLimit", &S::cpu_milli_limit),
      F("cpuMilliRequest", &S::cpu_milli_request), F("memoryRequest", &S::memory_request),
      F("stopSignal", &S::stop_signal), F("terminationMessagePath", &S::termination_message_path),
      F("terminationMessagePolicy", &S::termination_message_policy), F("blocked", &S::blocked));
}
constexpr auto FieldsOf(const Plan*) {
  using S = Plan;
  return std::make_tuple(
      F("namespace", &S::ns), F("name", &S::name), F("uid", &S::uid), F("labels", &S::labels),
      F("annotations", &S::annotations), F("ownerKind", &S::owner_kind),
      F("ownerName", &S::owner_name), F("hash", &S::hash), F("createdNanos", &S::created_nanos),
      F("restartPolicy", &S::restart_policy), F("graceSeconds", &S::grace_seconds),
      F("hostname", &S::hostname), F("fqdn", &S::fqdn), F("hostAliases", &S::host_aliases),
      F("dnsPolicy", &S::dns_policy), F("dnsConfig", &S::dns_config), F("network", &S::network),
      F("hostPID", &S::host_pid), F("hostIPC", &S::host_ipc), F("sharePID", &S::share_pid),
      F("sysctls", &S::sysctls), F("fsGroup", &S::fs_group),
      F("fsGroupChangePolicy", &S::fs_group_change_policy), F("blocked", &S::blocked),
      F("volumes", &S::volumes), F("initContainers", &S::init_containers),
      F("containers", &S::containers));
}

struct KindName {
  VolumePlan::Kind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {
    {VolumePlan::Kind::kEmptyDir, "emptyDir"}, {VolumePlan::Kind::kMemory, "memory"},
    {VolumePlan::Kind::kHostPath, "hostPath"}, {VolumePlan::Kind::kConfigMap, "configMap"},
    {VolumePlan::Kind::kSecret, "secret"},     {VolumePlan::Kind::kClaim, "claim"},
};

template <class T>
concept Struct = requires(const T* p) {
  FieldsOf(p);
};
template <class T>
concept Number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

Json Write(const std::string& v) { return v; }
Json Write(bool v) { return v; }
template <Number T>
Json Write(T v) {
  return v;
}
Json Write(VolumePlan::Kind v) {
  for (const KindName& k : kKindNames) {
    if (k.kind == v) return k.name;
  }
  return nullptr;
}
Json Write(const std::pair<std::string, std::string>& v) {
  return Json::array({v.first, v.second});
}
Json Write(const kube::StringMap& v) {
  Json out = Json::object();
  for (const auto& [key, value] : v) out[key] = value;
  return out;
}
template <Struct T>
Json Write(const T& v);
template <class T>
Json Write(const std::vector<T>& v) {
  Json out = Json::array();
  for (const T& e : v) out.push_back(Write(e));
  return out;
}
template <class T>
Json Write(const std::optional<T>& v) {
  return v ? Write(*v) : Json();
}

// True when reading would give the value anyway.
template <class T>
bool IsDefault(const T& value, const T& otherwise) {
  if constexpr (Struct<T>) {
    return Write(value).empty();
  } else if constexpr (std::equality_comparable<T>) {
    return value == otherwise;
  } else {
    return value.empty();
  }
}
template <class T>
bool IsDefault(const std::vector<T>& value, const std::vector<T>&) {
  return value.empty();
}

template <Struct T>
Json Write(const T& v) {
  static const T kDefault;
  Json out = Json::object();
  std::apply(
      [&](const auto&... field) {
        ((IsDefault(v.*field.member, kDefault.*field.member)
              ? void()
              : void(out[field.key] = Write(v.*field.member))),
         ...);
      },
      FieldsOf(&v));
  return out;
}

// Readers return "" or what is wrong, innermost path first.
std::string Read(const Json& j, std::string& v) {
  if (!j.is_string()) return ": not a string";
  v = j.get_ref<const std::string&>();
  return {};
}
std::string Read(const Json& j, bool& v) {
  if (!j.is_boolean()) return ": not a boolean";
  v = j.get<bool>();
  return {};
}
template <Number T>
std::string Read(const Json& j, T& v) {
  if (!j.is_number_integer()) return ": not a whole number";
  if (j.is_number_unsigned() && j.get<uint64_t>() > INT64_MAX) return ": out of range";
  auto n = j.get<int64_t>();
  if (!std::in_range<T>(n)) return ": out of range";
  v = static_cast<T>(n);
  return {};
}
std::string Read(const Json& j, VolumePlan::Kind& v) {
  for (const KindName& k : kKindNames) {
    if (j == k.name) {
      v = k.kind;
      return {};
    }
  }
  return ": no kind of volume";
}
std::string Read(const Json& j, std::pair<std::string, std::string>& v) {
  if (!j.is_array() || j.size() != 2) return ": not a pair";
  std::string wrong = Read(j[0], v.first);
  return wrong.empty() ? Read(j[1], v.second) : wrong;
}
std::string Read(const Json& j, kube::StringMap& v) {
  if (!j.is_object()) return ": not an object";
  for (const auto& [key, value] : j.items()) {
    std::string wrong = Read(value, v[key]);
    if (!wrong.empty()) return StrCat(".", key, wrong);
  }
  return {};
}
template <Struct T>
std::string Read(const Json& j, T& v);
template <class T>
std::string Read(const Json& j, std::vector<T>& v) {
  if (!j.is_array()) return ": not an array";
  for (size_t i = 0; i < j.size(); ++i) {
    std::string wrong = Read(j[i], v.emplace_back());
    if (!wrong.empty()) return StrCat("[", i, "]", wrong);
  }
  return {};
}
template <class T>
std::string Read(const Json& j, std::optional<T>& v) {
  return Read(j, v.emplace());
}

template <class S, class T>
std::string ReadField(const Json& j, S& v, const Field<S, T>& field) {
  auto it = j.find(field.key);
  if (it == j.end()) return {};
  std::string wrong = Read(*it, v.*field.member);
  return wrong.empty() ? wrong : StrCat(".", field.key, wrong);
}

template <Struct T>
std::string Read(const Json& j, T& v) {
  if (!j.is_object()) return ": not an object";
  std::string wrong;
  std::apply(
      [&](const auto&... field) { (void)((wrong = ReadField(j, v, field), wrong.empty()) && ...); },
      FieldsOf(&v));
  return wrong;
}

}  // namespace

Json ToJson(const Plan& plan) { return Write(plan); }

Result<Plan> PlanFromJson(const Json& j) {
  Plan plan;
  std::string wrong = Read(j, plan);
  if (!wrong.empty()) return Error("plan" + wrong);
  if (plan.ns.empty() || plan.name.empty()) return Error("plan: names no pod");
  return plan;
}

}  // namespace kpod::pods
