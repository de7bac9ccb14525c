// Pods as they lie on disk, and the words that people read about them.
#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "pods/status.h"

namespace kpod::pods {

namespace {

std::string OfTerminated(const Terminated& t) {
  if (!t.reason.empty()) return t.reason;
  return t.signal != 0 ? StrCat("Signal:", t.signal) : StrCat("ExitCode:", t.exit_code);
}

bool IsRunningSidecar(const ContainerStatus& c) {
  return c.sidecar && c.started && c.state.running;
}

// The first init container that is not done decides; "" when all are.
std::string InitWord(const std::vector<ContainerStatus>& init, size_t planned) {
  for (size_t i = 0; i < init.size(); ++i) {
    const ContainerState& state = init[i].state;
    if (state.terminated && state.terminated->exit_code == 0) continue;
    if (IsRunningSidecar(init[i])) continue;
    if (state.terminated) return "Init:" + OfTerminated(*state.terminated);
    if (state.waiting && !state.waiting->reason.empty() &&
        state.waiting->reason != "PodInitializing") {
      return "Init:" + state.waiting->reason;
    }
    return StrCat("Init:", i, "/", planned);
  }
  return {};
}

// A container that the supervisor has not reported yet waits for it, or for what the plan says is
// missing.
void FillFromPlan(const Plan& plan, const std::vector<ContainerPlan>& planned, bool init,
                  std::vector<ContainerStatus>* containers) {
  if (!containers->empty()) return;
  for (const ContainerPlan& p : planned) {
    ContainerStatus c;
    c.name = p.name;
    c.image = p.image;
    c.image_id = p.image_id;
    c.init = init;
    const Blocked& blocked = plan.blocked.reason.empty() ? p.blocked : plan.blocked;
    bool after_init = !init && !plan.init_containers.empty();
    c.state.waiting = blocked.reason.empty()
                          ? Waiting{after_init ? "PodInitializing" : "ContainerCreating", ""}
                          : Waiting{blocked.reason, blocked.message};
    containers->push_back(std::move(c));
  }
}

bool IsBlocked(const Plan& plan) {
  if (!plan.blocked.reason.empty()) return true;
  for (const auto* list : {&plan.init_containers, &plan.containers}) {
    for (const ContainerPlan& c : *list) {
      if (!c.blocked.reason.empty()) return true;
    }
  }
  return false;
}

bool SaysItLives(const PodStatus& s) { return s.supervisor_pid != 0; }

// A pod that has no status yet is being made. One whose status cannot be read says nothing, and is
// alive or lost.
Result<PodStatus> StatusOrUnknown(const std::string& directory) {
  Result<PodStatus> status = ReadStatus(directory);
  if (status) return status;
  if (status.error().code() == ENOENT) return PodStatus{};
  PodStatus unknown;
  unknown.phase = "Unknown";
  unknown.message = status.error().message();
  unknown.supervisor_pid = -1;
  return unknown;
}

Result<Plan> ReadPlan(const std::string& directory) {
  std::string path = directory + "/plan.json";
  std::string text = TRY(ReadFile(path));
  if (text.empty()) return Error(path + ": the file is empty");
  Json json = TRY(ParseJson(text, path));
  Plan plan = TRY(PlanFromJson(json).Context(path));
  if (plan.Id() != Basename(directory)) return Error(path + ": the plan of another pod");
  return plan;
}

Result<PodRecord> ReadPod(const store::Paths& paths, const std::string& directory) {
  PodRecord pod;
  pod.directory = directory;
  Result<Plan> plan = ReadPlan(directory);
  if (!plan && plan.error().code() != 0) return std::move(plan.error());
  if (plan) {
    pod.plan = std::move(*plan);
  } else {
    std::string id = Basename(directory);
    size_t bar = id.find('_');
    if (bar == std::string::npos) return std::move(plan.error()).WithCode(ENOENT);
    pod.plan.ns = id.substr(0, bar);
    pod.plan.name = id.substr(bar + 1);
    pod.plan_damage = StrCat("pod ", pod.plan.name, " is damaged: ", plan.error().message());
  }
  pod.status = TRY(StatusOrUnknown(directory));
  std::string lock = paths.Alive(pod.plan.ns, pod.plan.name);
  pod.alive = !FileLock::IsFree(lock);
  if (!pod.alive && SaysItLives(pod.status)) {
    // It may have written its last words and gone between the two looks.
    pod.status = TRY(StatusOrUnknown(directory));
    pod.lost = SaysItLives(pod.status);
  }
  FillFromPlan(pod.plan, pod.plan.init_containers, true, &pod.status.init_containers);
  FillFromPlan(pod.plan, pod.plan.containers, false, &pod.status.containers);
  for (ContainerStatus& c : pod.status.init_containers) {
    for (const ContainerPlan& p : pod.plan.init_containers)
      c.sidecar |= p.name == c.name && p.sidecar;
  }
  return pod;
}

// A pod removed while we looked, or made only by half: not there.
bool IsAbsent(const Error& e) { return e.code() == ENOENT || e.code() == ENOTDIR; }

}  // namespace

Result<PodStatus> ReadStatus(const std::string& directory) {
  std::string path = directory + "/status.json";
  std::string text = TRY(ReadFile(path, 8 << 20));
  if (text.empty()) return Error(path + ": the file is empty");
  Json j = TRY(ParseJson(text, path));
  return PodStatusFromJson(j);
}

std::string PodRecord::StatusWord() const {
  if (lost) return "Lost";
  if (!plan_damage.empty()) return "Damaged";
  if (!alive && status.reason == "Lost") return "Lost";
  if (status.phase == "Unknown") return "Unknown";
  if (status.reason == "Created" && !alive) return "Created";
  if (status.stopped) return alive ? "Terminating" : "Stopped";
  if (status.reason == "Terminating") return "Terminating";
  bool never_started = !alive && status.start_nanos == 0 && status.supervisor_pid == 0;
  if (never_started && status.phase == "Pending" && !IsBlocked(plan)) return "Created";

  std::string init = InitWord(status.init_containers, plan.init_containers.size());
  if (!init.empty()) return init;
  std::string word = status.reason.empty() ? status.phase : status.reason;
  bool has_running = false;
  for (auto c = status.containers.rbegin(); c != status.containers.rend(); ++c) {
    if (c->state.waiting && !c->state.waiting->reason.empty()) {
      word = c->state.waiting->reason;
    } else if (c->state.terminated) {
      word = OfTerminated(*c->state.terminated);
    } else if (c->ready && c->state.running) {
      has_running = true;
    }
  }
  if (word == "Completed" && has_running) word = "NotReady";
  return word;
}

int PodRecord::ReadyCount() const {
  int ready = 0;
  for (const ContainerStatus& c : status.init_containers) {
    if (IsRunningSidecar(c) && c.ready) ++ready;
  }
  for (const ContainerStatus& c : status.containers) {
    if (c.ready && c.state.running) ++ready;
  }
  return ready;
}

int PodRecord::ContainerCount() const {
  auto sidecars = std::count_if(plan.init_containers.begin(), plan.init_containers.end(),
                                [](const ContainerPlan& c) { return c.sidecar; });
  return static_cast<int>(sidecars) + static_cast<int>(plan.containers.size());
}

std::vector<const ContainerStatus*> PodRecord::Containers() const {
  std::vector<const ContainerStatus*> out;
  for (const ContainerStatus& c : status.init_containers) out.push_back(&c);
  for (const ContainerStatus& c : status.containers) out.push_back(&c);
  for (const ContainerStatus& c : status.ephemeral_containers) out.push_back(&c);
  return out;
}

int PodRecord::Restarts() const {
  int restarts = 0;
  bool initializing = !InitWord(status.init_containers, plan.init_containers.size()).empty();
  for (const ContainerStatus& c : status.init_containers) {
    if (initializing || IsRunningSidecar(c)) restarts += c.restart_count;
  }
  for (const ContainerStatus& c : status.containers) restarts += c.restart_count;
  return restarts;
}

Result<std::vector<PodRecord>> ListPods(const store::Paths& paths) {
  std::vector<PodRecord> out;
  for (const std::string& name : TRY(ListDir(paths.Pods()))) {
    if (name.starts_with('.')) continue;
    Result<PodRecord> pod = ReadPod(paths, JoinPath(paths.Pods(), name));
    if (pod) {
      out.push_back(std::move(*pod));
    } else if (!IsAbsent(pod.error())) {
      return std::move(pod.error());
    }
  }
  return out;
}

Result<PodRecord> FindPod(const store::Paths& paths, const std::string& ns,
                          const std::string& name) {
  size_t slash = name.find('/');
  std::string space = slash == std::string::npos ? ns : name.substr(0, slash);
  std::string own = slash == std::string::npos ? name : name.substr(slash + 1);
  // A name from the command line must stay one path segment.
  if (!own.empty() && !space.empty() && !Contains(own, "/") && !Contains(space, "/") &&
      !space.starts_with('.')) {
    Result<PodRecord> pod = ReadPod(paths, paths.Pod(space, own));
    if (pod || (!IsAbsent(pod.error()) && pod.error().code() != ENAMETOOLONG)) return pod;
  }
  return Error(StrCat("pod ", Quote(name), " not found")).WithCode(ENOENT);
}

std::string LogPath(const PodRecord& pod, const ContainerStatus& container, bool previous) {
  // A run that ended and waits for its restart is already the previous one, as the kubelet has it.
  bool waits = container.state.waiting.has_value();
  int run = container.restart_count - (previous && !waits ? 1 : 0);
  return LogFile(pod.directory, container.name, run);
}

std::string LogFile(const std::string& pod_directory, const std::string& container, int run) {
  return StrCat(pod_directory, "/", container, ".", run, ".log");
}

std::string CgroupPath(const store::Paths& paths, const std::string& pod_id,
                       const std::string& container) {
  std::string instance = paths.Instance();
  std::string path = StrCat("/kpod", instance.empty() ? "" : "-", instance, "/", pod_id);
  return container.empty() ? path : StrCat(path, "/", container);
}

}  // namespace kpod::pods
