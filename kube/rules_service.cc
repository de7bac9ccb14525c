// Services. Source: pkg/apis/core/validation.
#include <set>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxPort = 65535;
constexpr int64_t kFirstNodePort = 30000, kLastNodePort = 32767;
constexpr int64_t kMaxAffinitySeconds = 86400;

constexpr EnumRule kEnums[] = {
    {"type", "ClusterIP|ExternalName|LoadBalancer|NodePort"},
    {"sessionAffinity", "ClientIP|None"},
    {"externalTrafficPolicy", "Cluster|Local"},
    {"internalTrafficPolicy", "Cluster|Local"},
    {"ipFamilyPolicy", "PreferDualStack|RequireDualStack|SingleStack"},
    {"trafficDistribution", "PreferClose|PreferSameNode|PreferSameZone"},
};
constexpr Table kTable = {{}, {}, kEnums, {}};

void CheckPort(const Field& port, bool outside, bool needs_name) {
  Field name = port["name"];
  if (!name.Text().empty()) {
    CheckText(name, IsDns1123Label);
  } else if (needs_name) {
    name.Required();
  }
  if (!port["port"].present()) {
    port["port"].Required();
  } else {
    CheckInt(port["port"], 1, kMaxPort);
  }
  CheckEnum(port["protocol"], "SCTP|TCP|UDP");
  Field target = port["targetPort"];
  // "" and 0 mean "the same as port".
  if (target.present() && target.Int() != 0 && !(target.json().is_string() && target.empty())) {
    CheckPortOrName(target);
  }
  CheckText(port["appProtocol"], IsQualifiedName);
  Field node_port = port["nodePort"];
  int64_t number = node_port.Int(0);
  if (number == 0) return;
  if (!outside) {
    node_port.Forbidden("may not be used when `type` is 'ClusterIP'");
  } else if (number < kFirstNodePort || number > kLastNodePort) {
    node_port.Invalid(
        StrCat("provided port is not in the valid range. The range of valid ports is ",
               kFirstNodePort, "-", kLastNodePort));
  }
}

std::string ProtocolOf(const Field& port) {
  std::string_view protocol = port["protocol"].Text();
  return std::string(protocol.empty() ? "TCP" : protocol);
}

void CheckPorts(const Field& spec) {
  Field ports = spec["ports"];
  std::string_view type = spec["type"].Text();
  bool outside = type == "NodePort" || type == "LoadBalancer";
  if (ports.empty() && type != "ExternalName" && spec["clusterIP"].Text() != "None") {
    ports.Required();
  }
  std::vector<std::string> names;
  std::set<std::string> numbers, node_ports;
  for (const Field& port : ports.Items()) {
    CheckPort(port, outside, ports.size() > 1);
    CheckUnique(port["name"], &names);
    std::string number =
        StrCat("{\"protocol\":\"", ProtocolOf(port), "\",\"port\":", port["port"].Int(0), "}");
    if (!numbers.insert(number).second)
      port.DuplicateText(StrCat(ProtocolOf(port), "/", port["port"].Int(0)));
    int64_t node_port = port["nodePort"].Int(0);
    if (node_port != 0 && !node_ports.insert(StrCat(ProtocolOf(port), node_port)).second) {
      port["nodePort"].Duplicate();
    }
  }
}

void CheckAddresses(const Field& spec) {
  std::string_view type = spec["type"].Text();
  Field ip = spec["clusterIP"];
  bool headless = ip.Text() == "None";
  if (!headless) CheckText(ip, IsIp);
  if (headless && (type == "LoadBalancer" || type == "NodePort")) {
    ip.Invalid(StrCat("may not be set to 'None' for ", type, " services"));
  }
  if (type == "ExternalName") {
    if (!ip.Text().empty()) ip.Forbidden("may not be set for ExternalName services");
    Field name = spec["externalName"];
    if (name.Text().empty()) {
      name.Required();
    } else {
      // A final dot makes the name absolute.
      std::string_view text = name.Text();
      if (text.ends_with('.')) text.remove_suffix(1);
      if (std::string why = IsDns1123Subdomain(text); !why.empty()) name.Invalid(why);
    }
  }
  for (const Field& family : spec["ipFamilies"].Items()) CheckEnum(family, "IPv4|IPv6");
  for (const Field& address : spec["externalIPs"].Items()) {
    CheckText(address, IsIp);
    CheckNonSpecialIp(address);
  }
  for (const Field& range : spec["loadBalancerSourceRanges"].Items()) CheckText(range, IsCidr);
  if (type == "LoadBalancer") return;
  if (!spec["loadBalancerSourceRanges"].empty()) {
    spec["loadBalancerSourceRanges"].Forbidden("may only be used when `type` is 'LoadBalancer'");
  }
  for (const char* field : {"loadBalancerClass", "allocateLoadBalancerNodePorts"}) {
    if (spec[field].present()) {
      spec[field].Forbidden("may only be used when `type` is 'LoadBalancer'");
    }
  }
}

}  // namespace

void CheckService(const Field& root) {
  Field spec = root["spec"];
  CheckTable(spec, kTable);
  CheckPorts(spec);
  CheckAddresses(spec);
  CheckLabels(spec["selector"]);
  std::string_view type = spec["type"].Text();
  bool outside = type == "NodePort" || type == "LoadBalancer" || !spec["externalIPs"].empty();
  if (!spec["externalTrafficPolicy"].Text().empty() && !outside) {
    spec["externalTrafficPolicy"].Invalid("may only be set for externally-accessible services");
  }
  Field config = spec["sessionAffinityConfig"];
  Field seconds = config["clientIP.timeoutSeconds"];
  if (spec["sessionAffinity"].Text() != "ClientIP") {
    if (config.present()) {
      config.Forbidden("must not be set when session affinity is None");
    }
  } else if (seconds.Int() && (*seconds.Int() < 1 || *seconds.Int() > kMaxAffinitySeconds)) {
    seconds.Invalid(StrCat("must be greater than 0 and less than ", kMaxAffinitySeconds));
  }
}

}  // namespace kpod::kube::rules
