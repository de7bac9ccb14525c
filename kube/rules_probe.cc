// Probes and lifecycle hooks, which share their handlers.
#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr const char* kHandlers[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
constexpr IntRule kProbeInts[] = {{"initialDelaySeconds"}, {"timeoutSeconds"},
                                  {"periodSeconds"},       {"successThreshold"},
                                  {"failureThreshold"},    {"terminationGracePeriodSeconds", 1}};

void CheckHandler(const Field& handler, int64_t grace_seconds) {
  int handlers = 0;
  for (const char* kind : kHandlers) {
    if (!handler[kind].present()) continue;
    if (++handlers > 1) handler[kind].Forbidden("may not specify more than 1 handler type");
  }
  if (handlers == 0) handler.Required("must specify a handler type");
  if (handler["exec"].present() && handler["exec.command"].empty()) {
    handler["exec.command"].Required();
  }
  if (Field http = handler["httpGet"]; http.present()) {
    CheckPortOrName(http["port"]);
    CheckEnum(http["scheme"], "HTTP|HTTPS");
    for (const Field& header : http["httpHeaders"].Items()) {
      if (header["name"].Text().empty()) header["name"].Required();
      CheckText(header["name"], IsHttpHeaderName);
    }
  }
  if (handler["tcpSocket"].present()) CheckPortOrName(handler["tcpSocket.port"]);
  if (handler["grpc"].present()) {
    if (!handler["grpc.port"].present()) handler["grpc.port"].Required();
    CheckInt(handler["grpc.port"], 1, 65535);
  }
  if (Field seconds = handler["sleep.seconds"]; seconds.Int()) {
    if (*seconds.Int() < 0 || *seconds.Int() > grace_seconds) {
      seconds.Invalid(StrCat("must be non-negative and less than terminationGracePeriodSeconds (",
                             grace_seconds, ")"));
    }
  }
}

void CheckProbe(const Field& probe, std::string_view kind, int64_t grace_seconds) {
  if (!probe.present()) return;
  CheckHandler(probe, grace_seconds);
  CheckTable(probe, {{}, kProbeInts, {}, {}});
  Field threshold = probe["successThreshold"];
  // Zero is "not said", and becomes one.
  if (kind != "readinessProbe" && threshold.Int(0) > 1) threshold.Invalid("must be 1");
  if (kind == "readinessProbe" && probe["terminationGracePeriodSeconds"].present()) {
    probe["terminationGracePeriodSeconds"].Invalid("must not be set for readinessProbes");
  }
}

}  // namespace

void CheckPortOrName(const Field& port) {
  if (port.Int()) {
    CheckInt(port, 1, 65535);
  } else if (port.Text().empty()) {
    port.Required();
  } else {
    CheckText(port, IsPortName);
  }
}

void CheckProbesAndLifecycle(const Field& container, bool init, const PodFacts& facts) {
  constexpr const char* kProbes[] = {"livenessProbe", "readinessProbe", "startupProbe"};
  if (init && container["restartPolicy"].Text() != "Always") {
    for (const char* field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (container[field].present()) {
        container[field].Forbidden(
            "may not be set for init containers without restartPolicy=Always");
      }
    }
    return;
  }
  for (const char* kind : kProbes) CheckProbe(container[kind], kind, facts.grace_seconds);
  for (const char* hook : {"lifecycle.postStart", "lifecycle.preStop"}) {
    if (container[hook].present()) CheckHandler(container[hook], facts.grace_seconds);
  }
}

}  // namespace kpod::kube::rules
