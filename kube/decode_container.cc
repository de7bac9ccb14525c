// Containers, with the defaults of Kubernetes' pkg/apis/core/v1/defaults.go.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "kube/decode.h"
#include "kube/decode_parts.h"

namespace kpod::kube {
namespace {

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
  out.field = DecodeFieldRef(At(from, "fieldRef"));
  out.resource = DecodeResourceFieldRef(At(from, "resourceFieldRef"));
  if (const Json& file = At(from, "fileKeyRef"); file.is_object()) {
    out.file = FileKeyRef{StringAt(file, "volumeName"), StringAt(file, "path"),
                          StringAt(file, "key"), BoolAt(file, "optional")};
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
  std::string path = StringAt(j, "mountPath");
  std::string relabel = path.substr(WithoutRelabel(path).size());
  path.resize(path.size() - relabel.size());
  if (!relabel.empty()) relabel.erase(0, 1);
  return {StringAt(j, "name"),
          std::move(path),
          StringAt(j, "subPath"),
          StringAt(j, "subPathExpr"),
          StringAt(j, "mountPropagation"),
          BoolAt(j, "readOnly"),
          StringAt(j, "recursiveReadOnly"),
          std::move(relabel)};
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
  out.apparmor_profile = DecodeAppArmor(At(j, "appArmorProfile"));
  out.selinux_options = DecodeSelinux(At(j, "seLinuxOptions"));
  out.proc_mount = StringAt(j, "procMount");
  return out;
}

PortRef DecodePortRef(const Json& j) {
  if (j.is_number_integer()) return {SmallInt(j.get<int64_t>()), ""};
  std::string text = j.is_string() ? j.get<std::string>() : "";
  // "80" is a number to the API as well (intstr.Parse, as probes resolve their ports).
  if (std::optional<int64_t> n = ParseInt(text)) return {SmallInt(*n), ""};
  return {0, text};
}

Handler DecodeHandler(const Json& j) {
  Handler out;
  if (const Json& exec = At(j, "exec"); exec.is_object()) out.exec = StringsAt(exec, "command");
  if (const Json& http = At(j, "httpGet"); http.is_object()) {
    HttpGetAction& to = out.http_get.emplace();
    to.port = DecodePortRef(At(http, "port"));
    to.host = StringAt(http, "host");
    if (std::string path = StringAt(http, "path"); !path.empty()) to.path = path;
    if (std::string scheme = StringAt(http, "scheme"); !scheme.empty()) to.scheme = scheme;
    if (const Json& headers = At(http, "httpHeaders"); headers.is_array()) {
      for (const Json& h : headers)
        to.headers.emplace_back(StringAt(h, "name"), StringAt(h, "value"));
    }
  }
  if (const Json& tcp = At(j, "tcpSocket"); tcp.is_object()) {
    out.tcp_socket = TcpSocketAction{StringAt(tcp, "host"), DecodePortRef(At(tcp, "port"))};
  }
  if (const Json& grpc = At(j, "grpc"); grpc.is_object()) {
    out.grpc = GrpcAction{SmallInt(IntAt(grpc, "port")), StringAt(grpc, "service")};
  }
  if (const Json& sleep = At(j, "sleep"); sleep.is_object()) {
    out.sleep_seconds = IntAt(sleep, "seconds");
  }
  return out;
}

std::optional<Handler> DecodeHook(const Json& j) {
  return j.is_object() ? std::optional(DecodeHandler(j)) : std::nullopt;
}

// A zero is an absent value: the API's omitempty drops it, and the default comes in its place.
int PositiveAt(const Json& j, std::string_view key, int otherwise) {
  int value = SmallInt(IntAt(j, key));
  return value == 0 ? otherwise : value;
}

std::optional<Probe> DecodeProbe(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  Probe out;
  out.handler = DecodeHandler(j);
  out.initial_delay = SmallInt(IntAt(j, "initialDelaySeconds"));
  out.period = PositiveAt(j, "periodSeconds", out.period);
  out.timeout = PositiveAt(j, "timeoutSeconds", out.timeout);
  out.success_threshold = PositiveAt(j, "successThreshold", out.success_threshold);
  out.failure_threshold = PositiveAt(j, "failureThreshold", out.failure_threshold);
  out.termination_grace_period = OptionalInt(j, "terminationGracePeriodSeconds");
  return out;
}

RestartRule DecodeRestartRule(const Json& j) {
  const Json& codes = At(j, "exitCodes");
  RestartRule out{StringAt(j, "action"), StringAt(codes, "operator"), {}};
  if (const Json& values = At(codes, "values"); values.is_array()) {
    for (const Json& v : values) {
      if (v.is_number_integer()) out.exit_codes.push_back(SmallInt(v.get<int64_t>()));
    }
  }
  return out;
}

ResizePolicy DecodeResizePolicy(const Json& j) {
  return {StringAt(j, "resourceName"), StringAt(j, "restartPolicy")};
}

VolumeDevice DecodeVolumeDevice(const Json& j) {
  return {StringAt(j, "name"), StringAt(j, "devicePath")};
}

}  // namespace

std::string_view WithoutRelabel(std::string_view mount_path) {
  bool relabels = mount_path.ends_with(":z") || mount_path.ends_with(":Z");
  return relabels ? mount_path.substr(0, mount_path.size() - 2) : mount_path;
}

ResourceList DecodeResourceList(const Json& j) {
  ResourceList out;
  if (!j.is_object()) return out;
  for (const auto& [name, value] : j.items()) {
    if (auto q = QuantityFrom(value)) out[name] = std::move(q).value();
  }
  return out;
}

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

std::optional<FieldRef> DecodeFieldRef(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return FieldRef{StringAt(j, "fieldPath")};
}

std::optional<ResourceFieldRef> DecodeResourceFieldRef(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  auto divisor = QuantityFrom(At(j, "divisor"));
  return ResourceFieldRef{StringAt(j, "containerName"), StringAt(j, "resource"),
                          divisor ? divisor->text : "0"};
}

std::optional<SeccompProfile> DecodeSeccomp(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return SeccompProfile{StringAt(j, "type"), StringAt(j, "localhostProfile")};
}

std::optional<AppArmorProfile> DecodeAppArmor(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return AppArmorProfile{StringAt(j, "type"), StringAt(j, "localhostProfile")};
}

std::optional<SelinuxOptions> DecodeSelinux(const Json& j) {
  if (!j.is_object()) return std::nullopt;
  return SelinuxOptions{StringAt(j, "user"), StringAt(j, "role"), StringAt(j, "type"),
                        StringAt(j, "level")};
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
  out.restart_rules = Each(At(j, "restartPolicyRules"), DecodeRestartRule);
  out.startup_probe = DecodeProbe(At(j, "startupProbe"));
  out.readiness_probe = DecodeProbe(At(j, "readinessProbe"));
  out.liveness_probe = DecodeProbe(At(j, "livenessProbe"));
  const Json& lifecycle = At(j, "lifecycle");
  out.lifecycle = {DecodeHook(At(lifecycle, "postStart")), DecodeHook(At(lifecycle, "preStop")),
                   StringAt(lifecycle, "stopSignal")};
  out.resize_policies = Each(At(j, "resizePolicy"), DecodeResizePolicy);
  out.volume_devices = Each(At(j, "volumeDevices"), DecodeVolumeDevice);
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

}  // namespace kpod::kube
