// Pod specs, with the defaults of Kubernetes' pkg/apis/core/v1/defaults.go.
#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.h"
#include "kube/decode.h"

namespace kpod::kube {
namespace {

std::optional<bool> OptionalBool(const Json& j, std::string_view key) {
  const Json& value = At(j, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::optional<int64_t> OptionalInt(const Json& j, std::string_view key) {
  return At(j, key).is_number_integer() ? std::optional(IntAt(j, key)) : std::nullopt;
}

int SmallInt(int64_t value) {
  return static_cast<int>(
      std::clamp<int64_t>(value, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// The elements of a list, each through `decode`; what is no list is empty.
template <class T>
std::vector<T> Each(const Json& list, T (*decode)(const Json&)) {
  std::vector<T> out;
  if (!list.is_array()) return out;
  out.reserve(list.size());
  for (const Json& item : list) out.push_back(decode(item));
  return out;
}

std::optional<KeyRef> DecodeKeyRef(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return KeyRef{StringAt(j, "name"), StringAt(j, "key"), BoolAt(j, "optional")};
}

EnvVar DecodeEnvVar(const Json& j) {
  EnvVar out;
  out.name = StringAt(j, "name");
  out.value = StringAt(j, "value");
  const Json& from = At(j, "valueFrom");
  out.config_map = DecodeKeyRef(At(from, "configMapKeyRef"));
  out.secret = DecodeKeyRef(At(from, "secretKeyRef"));
  if (const Json& field = At(from, "fieldRef"); field.is_object()) {
    out.field = FieldRef{StringAt(field, "fieldPath")};
  }
  if (const Json& r = At(from, "resourceFieldRef"); r.is_object()) {
    auto divisor = QuantityFrom(At(r, "divisor"));
    out.resource = ResourceFieldRef{StringAt(r, "containerName"), StringAt(r, "resource"),
                                    divisor ? divisor->text : "0"};
  }
  return out;
}

EnvFrom DecodeEnvFrom(const Json& j) {
  return {StringAt(j, "prefix"), DecodeKeyRef(At(j, "configMapRef")),
          DecodeKeyRef(At(j, "secretRef"))};
}

ContainerPort DecodePort(const Json& j) {
  ContainerPort out;
  out.name = StringAt(j, "name");
  if (std::string protocol = StringAt(j, "protocol"); !protocol.empty()) out.protocol = protocol;
  out.host_ip = StringAt(j, "hostIP");
  out.container_port = SmallInt(IntAt(j, "containerPort"));
  out.host_port = SmallInt(IntAt(j, "hostPort"));
  return out;
}

VolumeMount DecodeMount(const Json& j) {
  return {StringAt(j, "name"),        StringAt(j, "mountPath"),        StringAt(j, "subPath"),
          StringAt(j, "subPathExpr"), StringAt(j, "mountPropagation"), BoolAt(j, "readOnly")};
}

// The container runtimes take "NET_ADMIN" and most take "CAP_NET_ADMIN".
std::vector<std::string> DecodeCapabilities(const Json& j, std::string_view key) {
  std::vector<std::string> out = StringsAt(j, key);
  for (std::string& name : out) {
    for (char& c : name) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (name.starts_with("CAP_")) name.erase(0, 4);
  }
  return out;
}

std::optional<SeccompProfile> DecodeSeccomp(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return SeccompProfile{StringAt(j, "type"), StringAt(j, "localhostProfile")};
}

SecurityContext DecodeSecurityContext(const Json& j) {
  SecurityContext out;
  out.run_as_user = OptionalInt(j, "runAsUser");
  out.run_as_group = OptionalInt(j, "runAsGroup");
  out.run_as_non_root = OptionalBool(j, "runAsNonRoot");
  out.read_only_root_filesystem = OptionalBool(j, "readOnlyRootFilesystem");
  out.privileged = OptionalBool(j, "privileged");
  out.allow_privilege_escalation = OptionalBool(j, "allowPrivilegeEscalation");
  if (const Json& caps = At(j, "capabilities"); caps.is_object()) {
    out.capabilities =
        Capabilities{DecodeCapabilities(caps, "add"), DecodeCapabilities(caps, "drop")};
  }
  out.seccomp_profile = DecodeSeccomp(At(j, "seccompProfile"));
  out.proc_mount = StringAt(j, "procMount");
  return out;
}

PodSecurityContext DecodePodSecurityContext(const Json& j) {
  PodSecurityContext out;
  out.run_as_user = OptionalInt(j, "runAsUser");
  out.run_as_group = OptionalInt(j, "runAsGroup");
  out.fs_group = OptionalInt(j, "fsGroup");
  out.run_as_non_root = OptionalBool(j, "runAsNonRoot");
  if (const Json& groups = At(j, "supplementalGroups"); groups.is_array()) {
    for (const Json& group : groups) {
      if (group.is_number_integer()) out.supplemental_groups.push_back(group.get<int64_t>());
    }
  }
  out.seccomp_profile = DecodeSeccomp(At(j, "seccompProfile"));
  out.fs_group_change_policy = StringAt(j, "fsGroupChangePolicy");
  if (const Json& sysctls = At(j, "sysctls"); sysctls.is_array()) {
    for (const Json& s : sysctls)
      out.sysctls.emplace_back(StringAt(s, "name"), StringAt(s, "value"));
  }
  return out;
}

std::map<std::string, Quantity> DecodeResourceList(const Json& j) {
  std::map<std::string, Quantity> out;
  if (!j.is_object()) return out;
  for (const auto& [name, value] : j.items()) {
    if (auto q = QuantityFrom(value)) out[name] = std::move(q).value();
  }
  return out;
}

// Without a tag the tag is "latest", unless a digest pins the image.
std::string DefaultPullPolicy(std::string_view image) {
  size_t at = image.find('@');
  std::string_view name = image.substr(0, at);
  size_t slash = name.rfind('/');
  size_t colon = name.rfind(':');
  bool has_tag =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  bool latest = has_tag ? name.substr(colon + 1) == "latest" : at == std::string_view::npos;
  return latest ? "Always" : "IfNotPresent";
}

Container DecodeContainer(const Json& j) {
  Container out;
  out.name = StringAt(j, "name");
  out.image = StringAt(j, "image");
  out.image_pull_policy = StringAt(j, "imagePullPolicy");
  if (out.image_pull_policy.empty()) out.image_pull_policy = DefaultPullPolicy(out.image);
  out.command = StringsAt(j, "command");
  out.args = StringsAt(j, "args");
  // An empty list is an absent one: the API's omitempty drops it on the way.
  out.has_command = !out.command.empty();
  out.has_args = !out.args.empty();
  out.working_dir = StringAt(j, "workingDir");
  out.ports = Each(At(j, "ports"), DecodePort);
  out.env = Each(At(j, "env"), DecodeEnvVar);
  out.env_from = Each(At(j, "envFrom"), DecodeEnvFrom);
  out.volume_mounts = Each(At(j, "volumeMounts"), DecodeMount);
  const Json& resources = At(j, "resources");
  out.resources.limits = DecodeResourceList(At(resources, "limits"));
  out.resources.requests = DecodeResourceList(At(resources, "requests"));
  for (const auto& [name, limit] : out.resources.limits)
    out.resources.requests.emplace(name, limit);
  out.security_context = DecodeSecurityContext(At(j, "securityContext"));
  out.restart_policy = StringAt(j, "restartPolicy");
  if (std::string path = StringAt(j, "terminationMessagePath"); !path.empty()) {
    out.termination_message_path = path;
  }
  if (std::string policy = StringAt(j, "terminationMessagePolicy"); !policy.empty()) {
    out.termination_message_policy = policy;
  }
  out.stdin_open = BoolAt(j, "stdin");
  out.stdin_once = BoolAt(j, "stdinOnce");
  out.tty = BoolAt(j, "tty");
  return out;
}

KeyToPath DecodeItem(const Json& j) {
  KeyToPath out{StringAt(j, "key"), StringAt(j, "path"), std::nullopt};
  if (auto mode = OptionalInt(j, "mode")) out.mode = SmallInt(*mode);
  return out;
}

// The API names a configMap "name" and a secret "secretName".
KeyedVolume DecodeKeyed(const Json& j, std::string_view name_key) {
  return {StringAt(j, name_key), Each(At(j, "items"), DecodeItem),
          SmallInt(IntAt(j, "defaultMode", 0644)), BoolAt(j, "optional")};
}

void DecodeSource(std::string_view kind, const Json& j, Volume* out) {
  if (kind == "emptyDir") {
    out->empty_dir = EmptyDir{StringAt(j, "medium"), std::nullopt};
    if (auto limit = QuantityFrom(At(j, "sizeLimit"))) {
      out->empty_dir->size_limit = std::move(limit).value();
    }
  } else if (kind == "hostPath") {
    out->host_path = HostPath{StringAt(j, "path"), StringAt(j, "type")};
  } else if (kind == "configMap") {
    out->config_map = DecodeKeyed(j, "name");
  } else if (kind == "secret") {
    out->secret = DecodeKeyed(j, "secretName");
  } else if (kind == "persistentVolumeClaim") {
    out->claim = ClaimVolume{StringAt(j, "claimName"), BoolAt(j, "readOnly")};
  } else {
    out->unsupported = std::string(kind);
  }
}

Volume DecodeVolume(const Json& j) {
  Volume out;
  out.name = StringAt(j, "name");
  bool has_source = false;
  if (j.is_object()) {
    for (const auto& [key, value] : j.items()) {
      if (key == "name" || value.is_null()) continue;
      DecodeSource(key, value, &out);
      has_source = true;
    }
  }
  if (!has_source) out.empty_dir = EmptyDir{};
  return out;
}

HostAlias DecodeHostAlias(const Json& j) { return {StringAt(j, "ip"), StringsAt(j, "hostnames")}; }

DnsConfig DecodeDnsConfig(const Json& j) {
  DnsConfig out{StringsAt(j, "nameservers"), StringsAt(j, "searches"), {}};
  if (const Json& options = At(j, "options"); options.is_array()) {
    for (const Json& o : options)
      out.options.emplace_back(StringAt(o, "name"), StringAt(o, "value"));
  }
  return out;
}

// On the host's network a container's port is the host's port.
void DefaultHostPorts(std::vector<Container>* containers) {
  for (Container& c : *containers) {
    for (ContainerPort& p : c.ports) {
      if (p.host_port == 0) p.host_port = p.container_port;
    }
  }
}

}  // namespace

PodSpec DecodePodSpec(const Json& spec) {
  PodSpec out;
  out.init_containers = Each(At(spec, "initContainers"), DecodeContainer);
  out.containers = Each(At(spec, "containers"), DecodeContainer);
  out.volumes = Each(At(spec, "volumes"), DecodeVolume);
  if (std::string v = StringAt(spec, "restartPolicy"); !v.empty()) out.restart_policy = v;
  if (std::string v = StringAt(spec, "dnsPolicy"); !v.empty()) out.dns_policy = v;
  out.termination_grace_period_seconds =
      IntAt(spec, "terminationGracePeriodSeconds", out.termination_grace_period_seconds);
  out.active_deadline_seconds = OptionalInt(spec, "activeDeadlineSeconds");
  out.hostname = StringAt(spec, "hostname");
  out.subdomain = StringAt(spec, "subdomain");
  out.set_hostname_as_fqdn = OptionalBool(spec, "setHostnameAsFQDN");
  out.dns_config = DecodeDnsConfig(At(spec, "dnsConfig"));
  out.host_network = BoolAt(spec, "hostNetwork");
  out.host_pid = BoolAt(spec, "hostPID");
  out.host_ipc = BoolAt(spec, "hostIPC");
  out.share_process_namespace = BoolAt(spec, "shareProcessNamespace");
  out.host_users = BoolAt(spec, "hostUsers", true);
  out.enable_service_links = BoolAt(spec, "enableServiceLinks", true);
  out.security_context = DecodePodSecurityContext(At(spec, "securityContext"));
  out.host_aliases = Each(At(spec, "hostAliases"), DecodeHostAlias);
  if (const Json& secrets = At(spec, "imagePullSecrets"); secrets.is_array()) {
    for (const Json& s : secrets) out.image_pull_secrets.push_back(StringAt(s, "name"));
  }
  if (out.host_network) {
    DefaultHostPorts(&out.init_containers);
    DefaultHostPorts(&out.containers);
  }
  return out;
}

}  // namespace kpod::kube
