#include "pods/status.h"

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

// Nanoseconds, where Kubernetes writes seconds: metav1.Time reads both, and back-off is computed
// from these times.
void PutTime(Json& j, const char* key, int64_t nanos) {
  if (nanos != 0) j[key] = FormatTimeNano(nanos);
}
int64_t TimeAt(const Json& j, const char* key) { return ParseTime(StringAt(j, key)).value_or(0); }
void PutText(Json& j, const char* key, const std::string& text) {
  if (!text.empty()) j[key] = text;
}
// Numbers of the status are small; a file that says otherwise is damaged, not an emergency.
int SmallIntAt(const Json& j, const char* key) {
  int64_t n = IntAt(j, key);
  return std::in_range<int>(n) ? static_cast<int>(n) : 0;
}

Json StateToJson(const ContainerState& s) {
  Json out = Json::object();
  if (s.waiting) {
    Json& j = out["waiting"] = Json::object();
    PutText(j, "reason", s.waiting->reason);
    PutText(j, "message", s.waiting->message);
  } else if (s.running) {
    Json& j = out["running"] = Json::object();
    PutTime(j, "startedAt", s.running->started_nanos);
  } else if (s.terminated) {
    Json& j = out["terminated"] = Json::object();
    j["exitCode"] = s.terminated->exit_code;
    if (s.terminated->signal != 0) j["signal"] = s.terminated->signal;
    PutText(j, "reason", s.terminated->reason);
    PutText(j, "message", s.terminated->message);
    PutTime(j, "startedAt", s.terminated->started_nanos);
    PutTime(j, "finishedAt", s.terminated->finished_nanos);
  }
  return out;
}

ContainerState StateFromJson(const Json& j) {
  ContainerState s;
  if (const Json& w = At(j, "waiting"); w.is_object()) {
    s.waiting = Waiting{StringAt(w, "reason"), StringAt(w, "message")};
  } else if (const Json& r = At(j, "running"); r.is_object()) {
    s.running = Running{TimeAt(r, "startedAt")};
  } else if (const Json& t = At(j, "terminated"); t.is_object()) {
    Terminated& to = s.terminated.emplace();
    to.exit_code = SmallIntAt(t, "exitCode");
    to.signal = SmallIntAt(t, "signal");
    to.reason = StringAt(t, "reason");
    to.message = StringAt(t, "message");
    to.started_nanos = TimeAt(t, "startedAt");
    to.finished_nanos = TimeAt(t, "finishedAt");
  }
  return s;
}

Json ContainersToJson(const std::vector<ContainerStatus>& containers) {
  Json out = Json::array();
  for (const ContainerStatus& c : containers) {
    Json j = Json::object();
    j["name"] = c.name;
    j["state"] = StateToJson(c.state);
    j["lastState"] = StateToJson(c.last_state);
    j["ready"] = c.ready;
    j["started"] = c.started;
    j["restartCount"] = c.restart_count;
    j["image"] = c.image;
    j["imageID"] = c.image_id;
    PutText(j, "containerID", c.container_id);
    if (c.pid != 0) j["kpodPid"] = c.pid;
    out.push_back(std::move(j));
  }
  return out;
}

std::vector<ContainerStatus> ContainersFromJson(const Json& list, bool init) {
  std::vector<ContainerStatus> out;
  if (!list.is_array()) return out;
  for (const Json& j : list) {
    ContainerStatus c;
    c.name = StringAt(j, "name");
    c.state = StateFromJson(At(j, "state"));
    c.last_state = StateFromJson(At(j, "lastState"));
    c.ready = BoolAt(j, "ready");
    c.started = BoolAt(j, "started");
    c.restart_count = SmallIntAt(j, "restartCount");
    c.image = StringAt(j, "image");
    c.image_id = StringAt(j, "imageID");
    c.container_id = StringAt(j, "containerID");
    c.pid = SmallIntAt(j, "kpodPid");
    c.init = init;
    out.push_back(std::move(c));
  }
  return out;
}

Json ConditionsToJson(const std::vector<Condition>& conditions) {
  Json out = Json::array();
  for (const Condition& c : conditions) {
    Json j = {{"type", c.type}, {"status", c.status ? "True" : "False"}};
    PutTime(j, "lastTransitionTime", c.transition_nanos);
    PutText(j, "reason", c.reason);
    PutText(j, "message", c.message);
    out.push_back(std::move(j));
  }
  return out;
}

std::vector<Condition> ConditionsFromJson(const Json& list) {
  std::vector<Condition> out;
  if (!list.is_array()) return out;
  for (const Json& j : list) {
    out.push_back({StringAt(j, "type"), StringAt(j, "status") == "True",
                   TimeAt(j, "lastTransitionTime"), StringAt(j, "reason"), StringAt(j, "message")});
  }
  return out;
}

}  // namespace

bool PodStatus::IsReady() const {
  return std::any_of(conditions.begin(), conditions.end(),
                     [](const Condition& c) { return c.type == "Ready" && c.status; });
}

Json ToJson(const PodStatus& s) {
  Json j = Json::object();
  j["phase"] = s.phase;
  PutText(j, "reason", s.reason);
  PutText(j, "message", s.message);
  if (!s.conditions.empty()) j["conditions"] = ConditionsToJson(s.conditions);
  if (!s.host_ip.empty()) {
    j["hostIP"] = s.host_ip;
    j["hostIPs"] = Json::array({Json{{"ip", s.host_ip}}});
  }
  if (!s.pod_ip.empty()) {
    j["podIP"] = s.pod_ip;
    j["podIPs"] = Json::array({Json{{"ip", s.pod_ip}}});
  }
  PutTime(j, "startTime", s.start_nanos);
  PutText(j, "qosClass", s.qos_class);
  if (!s.init_containers.empty()) {
    j["initContainerStatuses"] = ContainersToJson(s.init_containers);
  }
  j["containerStatuses"] = ContainersToJson(s.containers);
  if (!s.ephemeral_containers.empty()) {
    j["ephemeralContainerStatuses"] = ContainersToJson(s.ephemeral_containers);
  }
  if (s.supervisor_pid != 0) j["kpodSupervisorPid"] = s.supervisor_pid;
  if (s.stopped) j["kpodStopped"] = true;
  return j;
}

Result<PodStatus> PodStatusFromJson(const Json& j) {
  if (!j.is_object()) return Error("status: not an object");
  PodStatus s;
  s.phase = StringAt(j, "phase", "Unknown");
  s.reason = StringAt(j, "reason");
  s.message = StringAt(j, "message");
  s.host_ip = StringAt(j, "hostIP");
  s.pod_ip = StringAt(j, "podIP");
  s.start_nanos = TimeAt(j, "startTime");
  s.init_containers = ContainersFromJson(At(j, "initContainerStatuses"), true);
  s.containers = ContainersFromJson(At(j, "containerStatuses"), false);
  s.ephemeral_containers = ContainersFromJson(At(j, "ephemeralContainerStatuses"), false);
  s.supervisor_pid = SmallIntAt(j, "kpodSupervisorPid");
  s.stopped = BoolAt(j, "kpodStopped");
  s.qos_class = StringAt(j, "qosClass");
  s.conditions = ConditionsFromJson(At(j, "conditions"));
  for (const Condition& c : s.conditions) {
    if (c.type == "Initialized") s.initialized = c.status;
  }
  return s;
}

}  // namespace kpod::pods
