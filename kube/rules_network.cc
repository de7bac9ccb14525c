// Ingress and NetworkPolicy. Source: pkg/apis/networking/validation.
#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

void CheckBackend(const Field& backend) {
  Field service = backend["service"];
  Field resource = backend["resource"];
  if (service.present() && resource.present()) {
    backend.InvalidText("", "cannot set both resource and service backends");
    return;
  }
  if (resource.present()) {
    for (const char* field : {"kind", "name"}) {
      if (resource[field].Text().empty()) resource[field].Required();
    }
    return;
  }
  if (!service.present()) {
    backend.Required("resource or service backend is required");
    return;
  }
  if (service["name"].Text().empty()) {
    service["name"].Required();
  } else {
    CheckText(service["name"], IsDns1035Label);
  }
  Field name = service["port.name"];
  Field number = service["port.number"];
  bool has_name = !name.Text().empty();
  bool has_number = number.Int(0) != 0;
  if (has_name && has_number) {
    service["port"].InvalidText("", "cannot set both port name & port number");
  } else if (has_name) {
    CheckText(name, IsPortName);
  } else if (has_number) {
    CheckInt(number, 1, 65535);
  } else {
    service["port"].Required("port name or number is required");
  }
}

void CheckPath(const Field& entry) {
  Field type = entry["pathType"];
  Field path = entry["path"];
  if (type.Text().empty()) {
    type.Required("pathType must be specified");
  } else {
    CheckEnum(type, "Exact|ImplementationSpecific|Prefix");
  }
  std::string_view text = path.Text();
  bool free = type.Text() == "ImplementationSpecific";
  if (!text.starts_with('/') && !(free && text.empty())) {
    path.InvalidText(text, "must be an absolute path");
  } else if (!free) {
    for (const char* bad : {"//", "/./", "/../", "%2f", "%2F"}) {
      if (Contains(text, bad)) path.Invalid(StrCat("must not contain '", bad, "'"));
    }
    for (const char* bad : {"/..", "/."}) {
      if (text.ends_with(bad)) path.Invalid(StrCat("cannot end with '", bad, "'"));
    }
  }
  CheckBackend(entry["backend"]);
}

void CheckHost(const Field& host) {
  std::string_view text = host.Text();
  if (text.empty()) return;
  if (!ParseIp(text).empty()) {
    host.Invalid("must be a DNS name, not an IP address");
  } else {
    CheckText(host, Contains(text, "*") ? IsWildcardDns1123Subdomain : IsDns1123Subdomain);
  }
}

void CheckPolicyPorts(const Field& ports) {
  for (const Field& port : ports.Items()) {
    CheckEnum(port["protocol"], "SCTP|TCP|UDP");
    Field number = port["port"];
    if (number.present()) CheckPortOrName(number);
    Field end = port["endPort"];
    if (!end.Int()) continue;
    if (!number.present()) {
      end.Required("port must be specified when endPort is set");
    } else if (!number.Int()) {
      end.Invalid("may not be specified when `port` is non-numeric");
    } else if (*end.Int() < *number.Int()) {
      end.Invalid("must be greater than or equal to `port`");
    } else {
      CheckInt(end, 1, 65535);
    }
  }
}

void CheckPeers(const Field& peers) {
  for (const Field& peer : peers.Items()) {
    Field block = peer["ipBlock"];
    bool selects = peer["podSelector"].present() || peer["namespaceSelector"].present();
    CheckSelector(peer["podSelector"]);
    CheckSelector(peer["namespaceSelector"]);
    if (!block.present()) {
      if (!selects) peer.Required("must specify a peer");
      continue;
    }
    if (selects) peer.Forbidden("may not specify both ipBlock and another peer");
    Field cidr = block["cidr"];
    if (cidr.Text().empty()) {
      cidr.Required();
      continue;
    }
    CheckText(cidr, IsCidr);
    if (!IsCidr(cidr.Text()).empty()) continue;
    for (const Field& except : block["except"].Items()) {
      if (std::string why = IsCidr(except.Text()); !why.empty()) {
        except.Invalid(why);
      } else if (!IsStrictlyWithin(except.Text(), cidr.Text())) {
        except.Invalid("must be a strict subset of `cidr`");
      }
    }
  }
}

}  // namespace

void CheckIngress(const Field& root) {
  Field spec = root["spec"];
  Field rules = spec["rules"];
  if (rules.empty() && !spec["defaultBackend"].present()) {
    spec.Invalid("either `defaultBackend` or `rules` must be specified");
  }
  if (spec["defaultBackend"].present()) CheckBackend(spec["defaultBackend"]);
  for (const Field& rule : rules.Items()) {
    CheckHost(rule["host"]);
    Field http = rule["http"];
    if (!http.present()) continue;
    if (http["paths"].empty()) http["paths"].Required();
    for (const Field& path : http["paths"].Items()) CheckPath(path);
  }
  for (const Field& tls : spec["tls"].Items()) {
    for (const Field& host : tls["hosts"].Items()) CheckHost(host);
    CheckText(tls["secretName"], IsDns1123Subdomain);
  }
  CheckText(spec["ingressClassName"], IsDns1123Subdomain);
}

void CheckNetworkPolicy(const Field& root) {
  Field spec = root["spec"];
  CheckSelector(spec["podSelector"]);
  for (const Field& rule : spec["ingress"].Items()) {
    CheckPolicyPorts(rule["ports"]);
    CheckPeers(rule["from"]);
  }
  for (const Field& rule : spec["egress"].Items()) {
    CheckPolicyPorts(rule["ports"]);
    CheckPeers(rule["to"]);
  }
  Field types = spec["policyTypes"];
  if (types.size() > 2) types.Invalid("may not specify more than two policyTypes");
  for (const Field& type : types.Items()) CheckEnum(type, "Egress|Ingress");
}

}  // namespace kpod::kube::rules
