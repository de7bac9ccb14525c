#include "cmd/describe.h"

#include "base/clock.h"
#include "base/text.h"
#include "cmd/table.h"

namespace kpod::cmd {

namespace {

std::string Field(const std::string& name, const std::string& value, size_t indent = 0) {
  std::string line = std::string(indent, ' ') + name + ":";
  size_t column = indent == 0 ? 14 : indent + 16;
  if (line.size() < column) line.append(column - line.size(), ' ');
  return line + (value.empty() ? "<none>" : value) + "\n";
}

std::string State(const std::string& label, const pods::ContainerState& s) {
  if (s.running) {
    return Field(label, "Running", 4) + Field("  Started", FormatTime(s.running->started_nanos), 4);
  }
  if (s.waiting) {
    std::string out = Field(label, "Waiting", 4) + Field("  Reason", s.waiting->reason, 4);
    if (!s.waiting->message.empty()) out += Field("  Message", s.waiting->message, 4);
    return out;
  }
  if (!s.terminated) return "";
  std::string out = Field(label, "Terminated", 4) + Field("  Reason", s.terminated->reason, 4) +
                    Field("  Exit Code", StrCat(s.terminated->exit_code), 4);
  if (!s.terminated->message.empty()) out += Field("  Message", s.terminated->message, 4);
  return out + Field("  Finished", FormatTime(s.terminated->finished_nanos), 4);
}

std::string VolumeKind(pods::VolumePlan::Kind kind) {
  using Kind = pods::VolumePlan::Kind;
  switch (kind) {
    case Kind::kEmptyDir:
      return "EmptyDir";
    case Kind::kMemory:
      return "EmptyDir (memory)";
    case Kind::kHostPath:
      return "HostPath";
    case Kind::kConfigMap:
      return "ConfigMap";
    case Kind::kSecret:
      return "Secret";
    case Kind::kClaim:
      return "PersistentVolumeClaim";
  }
  return "";
}

std::string Container(const pods::PodRecord& p, const pods::ContainerPlan& c) {
  std::string out = StrCat("  ", c.name, ":\n");
  const pods::ContainerStatus* status = nullptr;
  for (const pods::ContainerStatus* s : p.Containers()) {
    if (s->name == c.name) status = s;
  }
  if (status != nullptr) out += Field("Container ID", status->container_id, 4);
  out += Field("Image", c.image, 4) +
         Field("Image ID", c.image_id.empty() ? "" : "sha256:" + c.image_id, 4);
  for (const pods::PortPlan& port : c.ports) {
    out += Field("Port", StrCat(port.container_port, "/", port.protocol), 4);
    if (port.host_port != 0)
      out += Field("Host Port", StrCat(port.host_port, "/", port.protocol), 4);
  }
  out += Field("Command", Join(c.argv, " "), 4);
  if (status != nullptr) {
    out += State("State", status->state) + State("Last State", status->last_state);
    out += Field("Ready", status->ready ? "True" : "False", 4) +
           Field("Restart Count", StrCat(status->restart_count), 4);
  }
  out += c.mounts.empty() ? Field("Mounts", "", 4) : "    Mounts:\n";
  for (const pods::MountPlan& m : c.mounts) {
    out += StrCat("      ", m.path, " from ", m.volume, " (", m.read_only ? "ro" : "rw",
                  m.sub_path.empty() ? "" : StrCat(",path=", Quote(m.sub_path)), ")\n");
  }
  return out;
}

}  // namespace

std::string DescribePod(const pods::PodRecord& p, const std::vector<pods::Event>& events) {
  std::vector<std::string> labels;
  for (const auto& [k, v] : p.plan.labels) labels.push_back(StrCat(k, "=", v));
  std::string out = Field("Name", p.plan.name) + Field("Namespace", p.plan.ns) +
                    Field("Labels", Join(labels, ", ")) + Field("Status", p.StatusWord()) +
                    Field("IP", p.status.pod_ip);
  if (p.status.start_nanos != 0) out += Field("Start Time", FormatTime(p.status.start_nanos));
  if (!p.plan.owner_kind.empty())
    out += Field("Controlled By", StrCat(p.plan.owner_kind, "/", p.plan.owner_name));
  if (!p.status.message.empty()) out += Field("Message", p.status.message);
  if (!p.plan.init_containers.empty()) out += "Init Containers:\n";
  for (const pods::ContainerPlan& c : p.plan.init_containers) out += Container(p, c);
  out += "Containers:\n";
  for (const pods::ContainerPlan& c : p.plan.containers) out += Container(p, c);
  out += p.plan.volumes.empty() ? Field("Volumes", "") : "Volumes:\n";
  for (const pods::VolumePlan& v : p.plan.volumes) {
    out += StrCat("  ", v.name, ":\n") + Field("Type", VolumeKind(v.kind), 4);
    if (!v.source.empty()) out += Field("Source", v.source, 4);
  }
  Table table({"  Type", "Reason", "Age", "Message"});
  bool any = false;
  for (const pods::Event& e : events) {
    if (e.ns != p.plan.ns || e.name != p.plan.name || e.time_nanos < p.plan.created_nanos) continue;
    any = true;
    table.Add({"  " + e.type, e.reason, HumanDuration(NowNanos() - e.time_nanos), e.message});
  }
  out += any ? "Events:\n" + table.Text() : "Events:       <none>\n";
  return out;
}

}  // namespace kpod::cmd
