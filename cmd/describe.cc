#include "cmd/describe.h"

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cmd/table.h"

namespace kpod::cmd {

namespace {

std::string OrNone(const std::string& text) { return text.empty() ? "<none>" : Printable(text); }

std::string Field(const std::string& name, const std::string& value) {
  return StrCat(name, ":\t", OrNone(value), "\n");
}

std::string MapLines(const std::string& name, const kube::StringMap& map, const char* between) {
  std::string out;
  for (const auto& [key, value] : map)
    out += StrCat(out.empty() ? name + ":" : "", "\t", Printable(key + between + value), "\n");
  return out.empty() ? Field(name, "") : out;
}

// Long or of several lines: below its key.
std::string Annotations(const kube::StringMap& map) {
  constexpr size_t kLongest = 140;
  std::string out;
  for (const auto& [key, value] : map) {
    std::string start = StrCat(out.empty() ? "Annotations:" : "", "\t", Printable(key), ":");
    bool fits = key.size() + value.size() < kLongest && !Contains(value, "\n");
    out += fits ? StrCat(start, " ", Printable(value), "\n")
                : start + "\n" + DescribeLines("\t  ", "\t  ", value);
  }
  return out.empty() ? Field("Annotations", "") : out;
}

std::string Head(const PodToDescribe& p) {
  const pods::Plan& plan = p.record.plan;
  const pods::PodStatus& status = p.record.status;
  std::string node = p.node;
  if (!status.host_ip.empty()) node += "/" + status.host_ip;
  std::string out = Field("Name", plan.name) + Field("Namespace", plan.ns);
  if (p.spec != nullptr) {
    if (!p.spec->priority_class_name.empty())
      out += Field("Priority Class Name", p.spec->priority_class_name);
    out += Field("Service Account", p.spec->service_account_name);
  }
  out += Field("Node", node);
  if (status.start_nanos != 0) out += Field("Start Time", DescribeTime(status.start_nanos));
  out += MapLines("Labels", plan.labels, "=") + Annotations(plan.annotations);
  // kpod's own states have no phase of Kubernetes: they are the reason.
  std::string word = p.record.StatusWord();
  bool own = word == "Stopped" || word == "Created" || word == "Lost";
  std::string reason = own ? word : status.reason;
  out += Field("Status", status.phase);
  if (!reason.empty()) out += Field("Reason", reason);
  if (!status.message.empty()) out += Field("Message", status.message);
  out += Field("IP", status.pod_ip) + "IPs:";
  out += status.pod_ip.empty() ? "\t<none>\n" : StrCat("\n  IP:\t", status.pod_ip, "\n");
  if (!plan.owner_kind.empty())
    out += Field("Controlled By", StrCat(plan.owner_kind, "/", plan.owner_name));
  return out;
}

template <class Plans, class Specs>
std::string Containers(const char* title, const Plans& plans, const Specs* specs,
                       const std::vector<pods::ContainerStatus>& statuses) {
  if (plans.empty()) return "";
  std::string out = StrCat(title, ":\n");
  for (const pods::ContainerPlan& plan : plans) {
    const kube::Container* spec = nullptr;
    const pods::ContainerStatus* status = nullptr;
    if (specs != nullptr) {
      for (const kube::Container& c : *specs) spec = c.name == plan.name ? &c : spec;
    }
    for (const pods::ContainerStatus& s : statuses) status = s.name == plan.name ? &s : status;
    out += DescribeContainer(plan, spec, status);
  }
  return out;
}

std::string Conditions(const std::vector<pods::Condition>& conditions) {
  if (conditions.empty()) return "";
  std::string out = "Conditions:\n  Type\tStatus\n";
  for (const pods::Condition& c : conditions)
    out += StrCat("  ", Printable(c.type), "\t", c.status ? "True" : "False", "\n");
  return out;
}

std::string VolumeField(const char* name, const std::string& value) {
  return StrCat("    ", name, ":\t", Printable(value), "\n");
}

std::string Projections(const pods::VolumePlan& v) {
  bool downward = v.kind == pods::VolumePlan::Kind::kDownward;
  std::string out = VolumeField(
      "Type", downward ? "DownwardAPI (a volume populated by information about the pod)"
                       : "Projected (a volume that contains injected data from multiple sources)");
  if (downward) out += "    Items:\n";
  for (const pods::ProjectionPlan& p : v.projections) {
    for (const pods::FilePlan& f : p.files) {
      if (downward) out += StrCat("      ", Printable(f.path), "\n");
    }
    if (p.secret) out += VolumeField("SecretName", p.secret->name);
    if (p.config_map) {
      out += VolumeField("ConfigMapName", p.config_map->name) +
             VolumeField("Optional", p.config_map->optional ? "true" : "false");
    }
    if (!downward && !p.files.empty()) out += VolumeField("DownwardAPI", "true");
    if (p.token) out += VolumeField("TokenExpirationSeconds", StrCat(p.token->expiration_seconds));
  }
  return out;
}

std::string Volume(const pods::VolumePlan& v) {
  const auto field = VolumeField;
  std::string optional = v.keyed.optional ? "true" : "false";
  using Kind = pods::VolumePlan::Kind;
  switch (v.kind) {
    case Kind::kEmptyDir:
    case Kind::kMemory:
      return field("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)") +
             field("Medium", v.kind == Kind::kMemory ? "Memory" : "") +
             field("SizeLimit", v.size_limit_text.empty() ? "<unset>" : v.size_limit_text);
    case Kind::kHostPath:
      return field("Type", "HostPath (bare host directory volume)") + field("Path", v.source) +
             field("HostPathType", v.host_path_type);
    case Kind::kConfigMap:
      return field("Type", "ConfigMap (a volume populated by a ConfigMap)") +
             field("Name", v.source) + field("Optional", optional);
    case Kind::kSecret:
      return field("Type", "Secret (a volume populated by a Secret)") +
             field("SecretName", v.source) + field("Optional", optional);
    case Kind::kClaim:
      return field("Type",
                   "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same "
                   "namespace)") +
             field("ClaimName", v.source) + field("ReadOnly", v.read_only ? "true" : "false");
    case Kind::kEphemeral:
      return field("Type",
                   "EphemeralVolume (an inline specification for a volume that gets created and "
                   "deleted with the pod)");
    case Kind::kImage:
      return field("Type", "Image (a container image or OCI artifact)") +
             field("Reference", v.source) + field("PullPolicy", v.pull_policy);
    case Kind::kDownward:
    case Kind::kProjected:
      return Projections(v);
  }
  return "";
}

std::string Volumes(const pods::Plan& plan) {
  if (plan.volumes.empty()) return Field("Volumes", "");
  std::string out = "Volumes:\n";
  for (const pods::VolumePlan& v : plan.volumes) out += StrCat("  ", v.name, ":\n", Volume(v));
  return out;
}

// One row for what happened again and again, as the API server counts it.
struct EventRow {
  const pods::Event* last = nullptr;
  int64_t first_nanos = 0;
  int count = 0;
};

std::string Events(const pods::Plan& plan, const std::vector<pods::Event>& events) {
  std::vector<EventRow> rows;
  for (const pods::Event& e : events) {
    if (e.ns != plan.ns || e.name != plan.name || e.kind != "Pod") continue;
    if (e.time_nanos < plan.created_nanos) continue;  // of one before it with its name
    auto same = std::find_if(rows.begin(), rows.end(), [&](const EventRow& r) {
      return r.last->type == e.type && r.last->reason == e.reason && r.last->message == e.message;
    });
    if (same == rows.end()) {
      rows.push_back({&e, e.time_nanos, 1});
    } else {
      same->last = &e;
      ++same->count;
    }
  }
  if (rows.empty()) return Field("Events", "");
  std::string out =
      "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n";
  int64_t now = NowNanos();
  for (const EventRow& r : rows) {
    std::string age = HumanDuration(now - r.last->time_nanos);
    if (r.count > 1)
      age += StrCat(" (x", r.count, " over ", HumanDuration(now - r.first_nanos), ")");
    out += StrCat("  ", Printable(r.last->type), "\t", Printable(r.last->reason), "\t", age,
                  "\tkpod\t", Printable(std::string(Trim(r.last->message))), "\n");
  }
  return out;
}

}  // namespace

std::string DescribeTime(int64_t nanos) {
  std::time_t seconds = nanos / 1'000'000'000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[64];
  return {text, std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S %z", &local)};
}

std::string DescribeLines(const std::string& first, const std::string& others,
                          const std::string& value) {
  std::vector<std::string> lines = Split(value, '\n');
  if (lines.empty()) lines.emplace_back();
  std::string out;
  for (const std::string& line : lines)
    out += StrCat(out.empty() ? first : others, Printable(line), "\n");
  return out;
}

std::string DescribePod(const PodToDescribe& p, const std::vector<pods::Event>& events) {
  const pods::Plan& plan = p.record.plan;
  const pods::PodStatus& status = p.record.status;
  std::string out = Head(p);
  out += Containers("Init Containers", plan.init_containers,
                    p.spec == nullptr ? nullptr : &p.spec->init_containers, status.init_containers);
  out += Containers("Containers", plan.containers,
                    p.spec == nullptr ? nullptr : &p.spec->containers, status.containers);
  out += Conditions(status.conditions) + Volumes(plan);
  if (!plan.qos_class.empty()) out += Field("QoS Class", plan.qos_class);
  return AlignTabs(out + Events(plan, events));
}

}  // namespace kpod::cmd
