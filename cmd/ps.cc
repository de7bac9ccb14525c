// ps, pod ps: what there is.
#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "cmd/table.h"
#include "pods/status.h"

namespace kpod::cmd {

namespace {

void PsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("all,a", po::bool_switch(), "those that have ended, too");
  ListOptions(add);
  add("quiet,q", po::bool_switch(), "names only");
  add("no-trunc", po::bool_switch(), "nothing is cut to fit the terminal");
}

std::string Age(int64_t nanos) { return nanos == 0 ? "" : HumanDuration(NowNanos() - nanos); }

std::string Ports(const pods::ContainerPlan& c) {
  std::vector<std::string> out;
  for (const pods::PortPlan& p : c.ports) {
    std::string container = StrCat(p.container_port, "/", ToLower(p.protocol));
    out.push_back(p.host_port == 0 ? container
                                   : StrCat(p.host_ip.empty() ? "0.0.0.0" : p.host_ip, ":",
                                            p.host_port, "->", container));
  }
  return Join(out, ", ");
}

std::string StateText(const pods::PodRecord& p, const pods::ContainerStatus* s) {
  if (p.lost) return "Lost";
  if (s == nullptr) return p.StatusWord();
  if (s->state.waiting) {
    const pods::Waiting& w = *s->state.waiting;
    return w.message.empty() ? w.reason : StrCat(w.reason, ": ", w.message);
  }
  if (s->state.terminated) {
    const pods::Terminated& t = *s->state.terminated;
    return StrCat(t.reason, " (", t.exit_code, ") ", Age(t.finished_nanos), " ago");
  }
  if (s->state.running) return "Up " + Age(s->state.running->started_nanos);
  return p.StatusWord();
}

const pods::ContainerStatus* StatusOf(const pods::PodRecord& p, const std::string& name) {
  for (const pods::ContainerStatus* s : p.Containers()) {
    if (s->name == name) return s;
  }
  return nullptr;
}

using Cells = std::vector<std::pair<std::string, std::string>>;

void AddLabels(const pods::PodRecord& p, Cells* cells) {
  for (const auto& [key, value] : p.plan.labels) cells->emplace_back("label", key + "=" + value);
}

std::string StateWord(const pods::ContainerStatus* s) {
  if (s == nullptr) return "";
  return s->state.running ? "running" : s->state.waiting ? "waiting" : "terminated";
}

Json RowOf(const pods::PodRecord& p, const pods::ContainerPlan& c, const pods::ContainerStatus* s) {
  Json row = {{"Namespace", p.plan.ns},
              {"Pod", p.plan.name},
              {"Name", c.name},
              {"ID", s == nullptr ? "" : s->container_id.substr(s->container_id.rfind('/') + 1)},
              {"Image", c.image},
              {"ImageID", c.image_id},
              {"Status", StateText(p, s)},
              {"State", StateWord(s)},
              {"Restarts", s == nullptr ? 0 : s->restart_count},
              {"Ports", Ports(c)},
              {"Pid", s == nullptr ? 0 : s->pid},
              {"PodIP", p.status.pod_ip},
              {"Ready", s != nullptr && s->ready},
              {"Labels", p.plan.labels},
              {"Created", FormatTime(p.plan.created_nanos)}};
  if (s != nullptr && s->state.terminated) row["ExitCode"] = s->state.terminated->exit_code;
  return row;
}

Result<int> Ps(Invocation& in) {
  Filter filter = TRY(Filter::Parse(
      in.Texts("filter"), {"name", "pod", "namespace", "label", "status", "image", "ancestor"}));
  Table table({"POD", "CONTAINER", "IMAGE", "STATUS", "RESTARTS", "PORTS", "AGE"});
  if (!in.Flag("no-trunc")) table.Shrink(3);
  Json rows = Json::array();
  bool all = in.Flag("all");
  for (const std::string& word : in.Texts("filter")) all = all || word.starts_with("status=");
  for (const pods::PodRecord& p : TRY(PodsToList(in))) {
    for (const pods::ContainerPlan* plan : p.plan.All()) {
      const pods::ContainerPlan& c = *plan;
      const pods::ContainerStatus* s = StatusOf(p, c.name);
      bool ended = !p.lost && (!p.alive || (s != nullptr && s->state.terminated));
      if (ended && !all) continue;
      Cells cells = {{"name", c.name},         {"pod", p.plan.name}, {"namespace", p.plan.ns},
                     {"status", StateWord(s)}, {"image", c.image},   {"ancestor", c.image}};
      if (s != nullptr && s->state.waiting) cells.emplace_back("status", s->state.waiting->reason);
      if (s != nullptr && s->state.terminated) {
        cells.emplace_back("status", s->state.terminated->reason);
        cells.emplace_back("status", "exited");  // podman's word
      }
      AddLabels(p, &cells);
      if (!filter.Matches(cells)) continue;
      if (in.Flag("quiet")) {
        std::printf("%s/%s\n", NameOf(p).c_str(), c.name.c_str());
        continue;
      }
      Json row = RowOf(p, c, s);
      table.Add({NameOf(p), c.name, c.image, StringAt(row, "Status"),
                 StrCat(IntAt(row, "Restarts")), Ports(c), Age(p.plan.created_nanos)});
      rows.push_back(std::move(row));
    }
  }
  if (in.Flag("quiet")) return 0;
  Print(TRY(FormatRows(in.Text("format"), table, rows)));
  return 0;
}

Result<int> PodPs(Invocation& in) {
  Filter filter = TRY(Filter::Parse(in.Texts("filter"), {"name", "namespace", "label", "status"}));
  Table table({"NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"});
  Json rows = Json::array();
  for (const pods::PodRecord& p : TRY(PodsToList(in))) {
    Cells cells = {{"name", p.plan.name},
                   {"namespace", p.plan.ns},
                   {"status", p.StatusWord()},
                   {"status", p.status.phase}};
    AddLabels(p, &cells);
    if (!filter.Matches(cells)) continue;
    if (in.Flag("quiet")) {
      std::printf("%s\n", NameOf(p).c_str());
      continue;
    }
    std::string ready = StrCat(p.ReadyCount(), "/", p.ContainerCount());
    table.Add({NameOf(p), ready, p.StatusWord(), StrCat(p.Restarts()), Age(p.plan.created_nanos),
               p.status.pod_ip.empty() ? "<none>" : p.status.pod_ip});
    rows.push_back({{"Namespace", p.plan.ns},
                    {"Name", p.plan.name},
                    {"ID", p.plan.uid},
                    {"Ready", ready},
                    {"Status", p.StatusWord()},
                    {"Phase", p.status.phase},
                    {"Restarts", p.Restarts()},
                    {"PodIP", p.status.pod_ip},
                    {"Labels", p.plan.labels},
                    {"Created", FormatTime(p.plan.created_nanos)}});
  }
  if (in.Flag("quiet")) return 0;
  Print(TRY(FormatRows(in.Text("format"), table, rows)));
  return 0;
}

constexpr const char* kFilters =
    "Keys of --filter: name, pod, namespace, label, image, status (running, waiting, exited,\n"
    "or a reason as CrashLoopBackOff).\n\n";

}  // namespace

void AddPsCommands(std::vector<Command>* out) {
  static const std::string help =
      StrCat("What waits says for what.\n\n", kFilters,
             "Examples:\n  kpod ps\n  kpod ps --all --format json\n  "
             "kpod ps --filter label=app=web --filter status=waiting\n  "
             "kpod ps --format '{{.Pod}} {{.Status}}'");
  out->push_back({{"ps"}, {}, "", "List containers", help.c_str(), PsOptions, Ps});
  out->push_back({{"pod", "ps"},
                  {"pod ls", "pods"},
                  "[POD...]",
                  "List pods",
                  "Keys of --filter: name, namespace, label, status.",
                  PsOptions,
                  PodPs});
}

}  // namespace kpod::cmd
