#include <algorithm>
#include <functional>

#include "base/terminal.h"
#include "base/text.h"
#include "cmd/describe.h"

namespace kpod::cmd {

namespace {

std::string Field(const std::string& name, const std::string& value) {
  return StrCat("    ", name, ":\t", value.empty() ? "<none>" : Printable(value), "\n");
}

std::string Detail(const std::string& name, const std::string& value) {
  return StrCat("      ", name, ":\t", Printable(value), "\n");
}

std::string State(const std::string& label, const pods::ContainerState& s) {
  if (s.running)
    return Field(label, "Running") + Detail("Started", DescribeTime(s.running->started_nanos));
  if (s.waiting) {
    std::string out = Field(label, "Waiting") + Detail("Reason", s.waiting->reason);
    if (!s.waiting->message.empty())
      out += DescribeLines("      Message:\t", "      \t", s.waiting->message);
    return out;
  }
  if (!s.terminated) return "";
  const pods::Terminated& t = *s.terminated;
  std::string out = Field(label, "Terminated");
  if (!t.reason.empty()) out += Detail("Reason", t.reason);
  if (!t.message.empty())
    out += DescribeLines("      Message:\t", "      \t", std::string(Trim(t.message)));
  out += Detail("Exit Code", StrCat(t.exit_code));
  if (t.signal > 0) out += Detail("Signal", StrCat(t.signal));
  if (t.started_nanos != 0) out += Detail("Started", DescribeTime(t.started_nanos));
  return out + Detail("Finished", DescribeTime(t.finished_nanos));
}

std::string PortList(const std::string& label, const std::vector<pods::PortPlan>& ports,
                     const std::function<std::string(const pods::PortPlan&)>& number) {
  std::vector<std::string> out;
  for (const pods::PortPlan& p : ports)
    out.push_back(StrCat(number(p), "/", p.protocol, p.name.empty() ? "" : " (" + p.name + ")"));
  return Field(out.size() > 1 ? label + "s" : label, Join(out, ", "));
}

std::string Ports(const pods::ContainerPlan& plan) {
  return PortList("Port", plan.ports,
                  [](const pods::PortPlan& p) { return StrCat(p.container_port); }) +
         PortList("Host Port", plan.ports, [](const pods::PortPlan& p) {
           return StrCat(p.host_ip.empty() ? "" : p.host_ip + ":", p.host_port);
         });
}

std::string Words(const std::string& label, const std::vector<std::string>& words) {
  std::string out = words.empty() ? "" : StrCat("    ", label, ":\n");
  for (const std::string& word : words) out += DescribeLines("      ", "      ", word);
  return out;
}

std::string Resources(const kube::ResourceRequirements& resources) {
  std::map<std::string, kube::Quantity> requests = resources.requests;
  // The API server makes a limit the request where there is none.
  requests.insert(resources.limits.begin(), resources.limits.end());
  auto list = [](const char* label, const std::map<std::string, kube::Quantity>& map) {
    std::string out = map.empty() ? "" : StrCat("    ", label, ":\n");
    for (const auto& [name, quantity] : map) out += Detail(name, quantity.text);
    return out;
  };
  return list("Limits", resources.limits) + list("Requests", requests);
}

std::string PortOf(const kube::PortRef& port) {
  return port.name.empty() ? StrCat(port.number) : port.name;
}

std::string Action(const kube::Handler& h) {
  if (h.exec) return StrCat("exec [", Join(*h.exec, " "), "]");
  if (h.http_get) {
    return StrCat("http-get ", ToLower(h.http_get->scheme), "://", h.http_get->host, ":",
                  PortOf(h.http_get->port), h.http_get->path);
  }
  if (h.tcp_socket)
    return StrCat("tcp-socket ", h.tcp_socket->host, ":", PortOf(h.tcp_socket->port));
  if (h.grpc) return StrCat("grpc <pod>:", h.grpc->port, " ", h.grpc->service);
  return "unknown";
}

std::string Probe(const char* label, const std::optional<kube::Probe>& p) {
  if (!p) return "";
  return Field(label, StrCat(Action(p->handler), " delay=", p->initial_delay,
                             "s timeout=", p->timeout, "s period=", p->period, "s #success=",
                             p->success_threshold, " #failure=", p->failure_threshold));
}

std::string FromLines(const std::vector<kube::EnvFrom>& sources) {
  std::string out = sources.empty() ? "" : "    Environment Variables from:\n";
  for (const kube::EnvFrom& f : sources) {
    if (!f.config_map && !f.secret) continue;
    const kube::KeyRef& ref = f.config_map ? *f.config_map : *f.secret;
    out += StrCat("      ", Printable(ref.name), "\t", f.config_map ? "ConfigMap" : "Secret",
                  f.prefix.empty() ? "" : StrCat(" with prefix '", Printable(f.prefix), "'"),
                  "\tOptional: ", ref.optional, "\n");
  }
  return out;
}

// Values of Secrets and ConfigMaps are named, not shown.
std::string EnvLine(const kube::EnvVar& e) {
  std::string start = StrCat("      ", Printable(e.name), ":\t");
  if (e.config_map || e.secret) {
    const kube::KeyRef& ref = e.config_map ? *e.config_map : *e.secret;
    return StrCat(start, "<set to the key '", Printable(ref.key), "' ",
                  e.config_map ? "of config map" : "in secret", " '", Printable(ref.name),
                  "'>\tOptional: ", ref.optional, "\n");
  }
  if (e.field) return StrCat(start, " (v1:", Printable(e.field->field_path), ")\n");
  if (e.resource) return StrCat(start, " (", Printable(e.resource->resource), ")\n");
  return DescribeLines(start, "      \t", e.value);
}

std::string Mounts(const pods::ContainerPlan& plan) {
  if (plan.mounts.empty()) return Field("Mounts", "");
  std::vector<pods::MountPlan> mounts = plan.mounts;
  std::sort(mounts.begin(), mounts.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  std::string out = "    Mounts:\n";
  for (const pods::MountPlan& m : mounts) {
    out += StrCat("      ", Printable(m.path), " from ", Printable(m.volume), " (",
                  m.read_only ? "ro" : "rw",
                  m.sub_path.empty() ? "" : StrCat(",path=", Quote(m.sub_path)), ")\n");
  }
  return out;
}

}  // namespace

std::string DescribeContainer(const pods::ContainerPlan& plan, const kube::Container* spec,
                              const pods::ContainerStatus* status) {
  std::string out = StrCat("  ", Printable(plan.name), ":\n");
  out += StrCat("    Container ID:\t", status == nullptr ? "" : status->container_id, "\n");
  out += Field("Image", plan.image);
  out += StrCat("    Image ID:\t", plan.image_id.empty() ? "" : "sha256:" + plan.image_id, "\n");
  out += Ports(plan);
  if (spec != nullptr) out += Words("Command", spec->command) + Words("Args", spec->args);
  if (status != nullptr) {
    out += State("State", status->state);
    if (status->last_state.terminated) out += State("Last State", status->last_state);
    out += Field("Ready", status->ready ? "True" : "False") +
           Field("Restart Count", StrCat(status->restart_count));
  }
  if (spec != nullptr) {
    out += Resources(spec->resources) + Probe("Liveness", spec->liveness_probe) +
           Probe("Readiness", spec->readiness_probe) + Probe("Startup", spec->startup_probe) +
           FromLines(spec->env_from);
    out += spec->env.empty() ? Field("Environment", "") : "    Environment:\n";
    for (const kube::EnvVar& e : spec->env) out += EnvLine(e);
  }
  out += Mounts(plan);
  if (!plan.devices.empty()) out += "    Devices:\n";
  for (const pods::DevicePlan& d : plan.devices)
    out += StrCat("      ", Printable(d.path), " from ", d.volume, "\n");
  return out;
}

}  // namespace kpod::cmd
