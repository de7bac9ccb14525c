// Podman's annotations: what they say must make sense, and who relies on one that is not carried
// out is told.
#include <algorithm>

#include "base/text.h"
#include "kube/podman.h"
#include "kube/rules_check.h"

namespace kpod::kube::rules {

namespace {

void CheckUserns(const Field& value, const Field& spec) {
  std::string_view mode = value.Text();
  if (spec["hostUsers"].present()) return;  // which has the last word
  if (mode == "auto") {
    for (const char* list : {"initContainers", "containers"}) {
      for (const Field& c : spec[list].Items()) {
        if (!c["volumeDevices"].empty())
          c["volumeDevices"].Forbidden("when the annotation of the user namespace is \"auto\"");
      }
    }
    for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
      if (spec[field].True())
        spec[field].Forbidden(StrCat("when the annotation of the user namespace is ", Quote(mode)));
    }
  } else if (mode != "host" && !mode.empty()) {
    value.Warn(StrCat("user namespace ", Quote(mode),
                      " is not carried out: there are auto and host, and the pod has the host's"));
  }
}

void CheckValue(std::string_view name, const Field& value, const Field& spec) {
  std::string_view text = value.Text();
  if (name == "ulimit") {
    Result<std::vector<Ulimit>> limits = ParseUlimits(text);
    if (!limits) value.Invalid(limits.error().message());
  } else if (name == "pids-limit") {
    if (!ParseInt(text)) value.Invalid("must be a number of processes; 0 is no limit");
  } else if (name == "cpuset" || name == "memory-nodes") {
    if (!IsCpuList(text)) value.Invalid("must be a list such as 0-2,7");
  } else if (name == "volumes-from") {
    Result<std::vector<VolumesFrom>> sources = ParseVolumesFrom(text);
    if (!sources) return value.Invalid(sources.error().message());
    for (const VolumesFrom& s : *sources) {
      if (!FindContainer(spec, s.container)) value.InvalidText(s.container, "container not found");
    }
  } else if (name == "label") {
    std::string_view key = text.substr(0, text.find(':'));
    if (!OneOf(key, "disable|level|role|type|user"))
      value.Warn(StrCat("label ", Quote(text), " is not carried out"));
  } else if (name == "userns") {
    CheckUserns(value, spec);
  }
}

}  // namespace

void CheckPodmanAnnotations(const Field& annotations, const Field& spec) {
  constexpr std::string_view kPrefix = "io.podman.annotations.";
  for (const auto& [key, value] : annotations.Members()) {
    std::optional<PodmanSetting> s = FindPodmanSetting(key);
    if (!s) continue;
    if (s->annotation == nullptr) {
      value.Warn("no such annotation of Podman is known; it has no effect");
    } else if (s->annotation->status == Status::kNotYet) {
      value.Warn(StrCat("not carried out yet: ", s->annotation->meaning));
    } else if (!s->container.empty() && !FindContainer(spec, s->container)) {
      value.InvalidText(s->container, "container not found");
    } else if (s->annotation->status == Status::kCarriedOut &&
               s->annotation->name.starts_with(kPrefix)) {
      CheckValue(s->annotation->name.substr(kPrefix.size()), value, spec);
    }
  }
}

}  // namespace kpod::kube::rules
