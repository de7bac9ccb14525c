#include "kube/podman.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::kube {

namespace {

constexpr std::string_view kPrefix = "io.podman.annotations.";
constexpr std::string_view kBindOptions = "bind-mount-options";

constexpr std::string_view kOfPodman = "it tells of how Podman made the container";

constexpr PodmanAnnotation kAnnotations[] = {
    {"io.podman.annotations.ulimit", true, true, Status::kCarriedOut, ""},
    {"io.podman.annotations.pids-limit", true, true, Status::kCarriedOut, ""},
    {"io.podman.annotations.cpuset", true, true, Status::kCarriedOut, ""},
    {"io.podman.annotations.memory-nodes", true, true, Status::kCarriedOut, ""},
    {"io.podman.annotations.volumes-from", false, true, Status::kCarriedOut, ""},
    {"io.podman.annotations.label", true, true, Status::kCarriedOut,
     "where SELinux is on: disable, user:, role:, type: and level:"},
    {"io.podman.annotations.userns", true, false, Status::kCarriedOut,
     "auto and host; a warning for the others"},
    {kBindOptions, true, false, Status::kCarriedOut, "PATH:z and PATH:Z, where SELinux is on"},
    {"io.podman.annotations.init", true, true, Status::kNotYet,
     "no init is put before the container's program, which is the first process itself"},
    {"io.podman.annotations.publish-all", true, true, Status::kNotYet,
     "no ports but those with a hostPort are published"},
    {"io.podman.annotations.kube.image.automount", false, true, Status::kNotYet,
     "the volumes of other images are not mounted"},
    {"io.podman.annotations.kube.health.cmd.on-failure.action", true, true, Status::kNotYet,
     "a container whose liveness probe fails is restarted as its restartPolicy says"},
    {"io.podman.annotations.init.container.type", true, true, Status::kNoMeaning,
     "init containers run as Kubernetes has it, each time that the pod starts"},
    {"io.podman.annotations.infra.name", true, true, Status::kNoMeaning, "no container is infra"},
    {"io.podman.annotations.autoremove", true, true, Status::kNoMeaning, kOfPodman},
    {"io.podman.annotations.cid-file", true, true, Status::kNoMeaning, kOfPodman},
    {"io.podman.annotations.privileged", true, true, Status::kNoMeaning, kOfPodman},
    {"io.podman.annotations.seccomp", true, true, Status::kNoMeaning, kOfPodman},
    {"io.podman.annotations.apparmor", true, true, Status::kNoMeaning, kOfPodman},
};

// At least one, which may be empty, so that nothing written is no list of nothing.
std::vector<std::string> Parts(std::string_view text, char separator) {
  std::vector<std::string> out = Split(text, separator);
  if (out.empty()) out.emplace_back();
  return out;
}

bool Is(const PodmanSetting& s, std::string_view short_name) {
  return s.annotation != nullptr && s.annotation->name.substr(kPrefix.size()) == short_name;
}

std::vector<Container*> ContainersOf(PodSpec* spec, const std::string& name) {
  std::vector<Container*> out;
  for (auto* list : {&spec->init_containers, &spec->containers}) {
    for (Container& c : *list) {
      if (name.empty() || c.name == name) out.push_back(&c);
    }
  }
  return out;
}

void AddVolumesFrom(const std::string& text, Container* to, PodSpec* spec) {
  Result<std::vector<VolumesFrom>> sources = ParseVolumesFrom(text);
  if (!sources) return;
  for (const VolumesFrom& source : *sources) {
    for (const Container* from : ContainersOf(spec, source.container)) {
      if (from == to) continue;
      std::vector<VolumeMount> mounts = from->volume_mounts;
      for (VolumeMount& m : mounts) {
        m.read_only = m.read_only || source.read_only;
        bool taken =
            std::any_of(to->volume_mounts.begin(), to->volume_mounts.end(),
                        [&](const VolumeMount& o) { return o.mount_path == m.mount_path; });
        if (!taken) to->volume_mounts.push_back(std::move(m));
      }
    }
  }
}

// One of Podman's --security-opt label=...; "disable" is the type that nothing confines.
void SetLabel(std::string_view text, Container* c) {
  auto& options = c->security_context.selinux_options;
  if (!options) options.emplace();
  size_t colon = text.find(':');
  std::string_view key = text.substr(0, colon);
  std::string value(colon == std::string_view::npos ? "" : text.substr(colon + 1));
  if (key == "disable") options->type = "spc_t";
  if (key == "user") options->user = value;
  if (key == "role") options->role = value;
  if (key == "type") options->type = value;
  if (key == "level") options->level = value;
}

// "PATH:z": of the mounts of that path of the host.
void SetRelabel(std::string_view text, PodSpec* spec) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return;
  std::string_view option = text.substr(colon + 1);
  if (option != "z" && option != "Z") return;
  for (Container* c : ContainersOf(spec, "")) {
    for (VolumeMount& m : c->volume_mounts) {
      auto v = std::find_if(spec->volumes.begin(), spec->volumes.end(),
                            [&](const Volume& o) { return o.name == m.name; });
      bool same =
          v != spec->volumes.end() && v->host_path && v->host_path->path == text.substr(0, colon);
      if (same && m.relabel.empty()) m.relabel = option;
    }
  }
}

}  // namespace

std::span<const PodmanAnnotation> PodmanAnnotations() { return kAnnotations; }

std::optional<PodmanSetting> FindPodmanSetting(std::string_view key) {
  std::string_view name = key.substr(0, key.find('/'));
  // Or with the path in the key.
  if (name.starts_with(kBindOptions) &&
      (name.size() == kBindOptions.size() || name[kBindOptions.size()] == ':'))
    name = key = kBindOptions;
  if (name != kBindOptions && !name.starts_with(kPrefix)) return std::nullopt;
  PodmanSetting out;
  if (name.size() < key.size()) out.container = key.substr(name.size() + 1);
  auto* found = std::find_if(std::begin(kAnnotations), std::end(kAnnotations), [&](const auto& a) {
    return a.name == name && (out.container.empty() ? a.for_all : a.for_one);
  });
  if (found != std::end(kAnnotations)) out.annotation = found;
  return out;
}

Result<std::vector<Ulimit>> ParseUlimits(std::string_view text) {
  constexpr std::string_view kNames[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                         "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                         "rss",     "rtprio",   "rttime", "sigpending", "stack"};
  std::vector<Ulimit> out;
  for (const std::string& part : Parts(text, ',')) {
    size_t equals = part.find('=');
    std::string name(Trim(part.substr(0, equals)));
    if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames))
      return Error(StrCat("no limit is called ", Quote(name)));
    std::vector<std::string> values =
        Parts(equals == std::string::npos ? "" : part.substr(equals + 1), ':');
    auto soft = ParseInt(values[0]);
    auto hard = ParseInt(values.back());
    bool good = values.size() <= 2 && soft && hard && *soft >= -1 && *hard >= -1 &&
                (*hard == -1 || (*soft != -1 && *soft <= *hard));
    if (!good) return Error(StrCat(Quote(part), ": must be NAME=SOFT[:HARD], SOFT at most HARD"));
    out.push_back({name, *soft, *hard});
  }
  return out;
}

bool IsCpuList(std::string_view text) {
  constexpr int64_t kMost = 1 << 20;
  for (const std::string& part : Parts(text, ',')) {
    std::vector<std::string> ends = Parts(part, '-');
    if (ends.size() > 2) return false;
    int64_t before = 0;
    for (const std::string& end : ends) {
      auto n = ParseInt(end);
      if (!n || *n < before || *n > kMost) return false;
      before = *n;
    }
  }
  return true;
}

Result<std::vector<VolumesFrom>> ParseVolumesFrom(std::string_view text) {
  std::vector<VolumesFrom> out;
  for (const std::string& part : Parts(text, ';')) {
    size_t colon = part.find(':');
    VolumesFrom one{part.substr(0, colon), false};
    if (one.container.empty()) return Error("must be CONTAINER[:ro], several separated by ;");
    for (const std::string& option : colon == std::string::npos
                                         ? std::vector<std::string>{}
                                         : Split(part.substr(colon + 1), ',')) {
      if (option == "ro") one.read_only = true;
      if (option != "ro" && option != "rw" && option != "z" && option != "Z")
        return Error(StrCat("option ", Quote(option), ": there are ro, rw, z and Z"));
    }
    out.push_back(std::move(one));
  }
  return out;
}

bool HasHostUsers(const Json& pod) {
  const Json& said = At(At(pod, "spec"), "hostUsers");
  if (said.is_boolean()) return said.get<bool>();
  const Json& annotations = At(At(pod, "metadata"), "annotations");
  return StringAt(annotations, "io.podman.annotations.userns") != "auto";
}

void ApplyPodmanAnnotations(const StringMap& annotations, PodSpec* spec) {
  for (const auto& [key, value] : annotations) {
    std::optional<PodmanSetting> s = FindPodmanSetting(key);
    if (!s || s->annotation == nullptr) continue;
    if (s->annotation->name == kBindOptions) {
      // The form of older versions: the path is in the key, and the value is the option alone.
      size_t colon = key.find(':');
      SetRelabel(colon == std::string::npos ? value : StrCat(key.substr(colon + 1), ":", value),
                 spec);
      continue;
    }
    for (Container* c : ContainersOf(spec, s->container)) {
      if (Is(*s, "ulimit")) c->ulimits = ParseUlimits(value).value_or({});
      if (Is(*s, "pids-limit")) c->pids_limit = ParseInt(value);
      if (Is(*s, "cpuset") && IsCpuList(value)) c->cpuset_cpus = value;
      if (Is(*s, "memory-nodes") && IsCpuList(value)) c->cpuset_mems = value;
      if (Is(*s, "label")) SetLabel(value, c);
      if (Is(*s, "volumes-from")) AddVolumesFrom(value, c, spec);
    }
  }
}

}  // namespace kpod::kube
