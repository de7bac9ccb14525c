#include "pods/plan_life.h"

#include "pods/make_plan.h"

namespace kpod::pods {

namespace {

// The kubelet's resolvePort: a name is that of a port of this container.
void ResolvePort(const kube::Container& c, kube::PortRef* port) {
  if (port->name.empty()) return;
  for (const kube::ContainerPort& p : c.ports) {
    if (p.name != port->name) continue;
    port->number = p.container_port;
    port->name.clear();
    return;
  }
}

kube::Handler Resolved(const kube::Container& c, kube::Handler handler) {
  if (handler.http_get) ResolvePort(c, &handler.http_get->port);
  if (handler.tcp_socket) ResolvePort(c, &handler.tcp_socket->port);
  return handler;
}

std::optional<kube::Probe> Resolved(const kube::Container& c, const std::optional<kube::Probe>& p,
                                    const kube::StringMap& vars) {
  if (!p) return std::nullopt;
  kube::Probe out = *p;
  out.handler = Resolved(c, std::move(out.handler));
  if (out.handler.exec) {
    for (std::string& word : *out.handler.exec) word = Expand(word, vars);
  }
  return out;
}

std::optional<kube::Handler> Resolved(const kube::Container& c,
                                      const std::optional<kube::Handler>& hook) {
  return hook ? std::optional(Resolved(c, kube::Handler(*hook))) : std::nullopt;
}

}  // namespace

void PlanLife(const kube::PodSpec& pod, const kube::Container& c, bool init,
              const kube::StringMap& vars, ContainerPlan* out) {
  out->restart_policy = c.restart_policy.empty() ? pod.restart_policy : c.restart_policy;
  out->sidecar = init && c.restart_policy == "Always";
  out->restart_rules = c.restart_rules;
  out->startup_probe = Resolved(c, c.startup_probe, vars);
  out->readiness_probe = Resolved(c, c.readiness_probe, vars);
  out->liveness_probe = Resolved(c, c.liveness_probe, vars);
  out->post_start = Resolved(c, c.lifecycle.post_start);
  out->pre_stop = Resolved(c, c.lifecycle.pre_stop);
  if (!c.lifecycle.stop_signal.empty()) out->stop_signal = SignalNumber(c.lifecycle.stop_signal);
}

}  // namespace kpod::pods
