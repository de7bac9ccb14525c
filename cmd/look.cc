// ps, pod ps, inspect, describe, events, top, stats: what is there and what it does.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/describe.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "cmd/table.h"
#include "pods/events.h"
#include "pods/status.h"
#include "runtime/cgroup.h"

namespace kpod::cmd {

namespace {

void PsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("all,a", po::bool_switch(), "containers that have ended, too");
  add("all-namespaces,A", po::bool_switch(), "pods of every namespace");
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
  add("quiet,q", po::bool_switch(), "names only");
  add("no-trunc", po::bool_switch(), "accepted; nothing is cut");
}

Result<std::vector<pods::PodRecord>> PodsFor(const Invocation& in) {
  kube::LabelSelector labels = TRY(kube::ParseSelector(in.Text("selector")));
  std::vector<pods::PodRecord> out;
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool here = !in.Has("namespace") || p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
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

std::string NameOf(const pods::PodRecord& p) {
  return p.plan.ns == "default" ? p.plan.name : StrCat(p.plan.ns, "/", p.plan.name);
}

Result<int> Ps(Invocation& in) {
  Table table({"POD", "CONTAINER", "IMAGE", "STATUS", "RESTARTS", "PORTS", "AGE"});
  Json rows = Json::array();
  for (const pods::PodRecord& p : TRY(PodsFor(in))) {
    for (const pods::ContainerPlan* plan : p.plan.All()) {
      const pods::ContainerPlan& c = *plan;
      const pods::ContainerStatus* s = StatusOf(p, c.name);
      bool done = s != nullptr && s->init && !s->sidecar && s->state.terminated;
      bool ended = p.lost || !p.alive || done;
      if (ended && !in.Flag("all")) continue;
      std::string state = StateText(p, s);
      int restarts = s == nullptr ? 0 : s->restart_count;
      if (in.Flag("quiet")) {
        std::printf("%s/%s\n", NameOf(p).c_str(), c.name.c_str());
        continue;
      }
      table.Add({NameOf(p), c.name, c.image, state, StrCat(restarts), Ports(c),
                 Age(p.plan.created_nanos)});
      rows.push_back({{"Namespace", p.plan.ns},
                      {"Pod", p.plan.name},
                      {"Name", c.name},
                      {"Image", c.image},
                      {"Status", state},
                      {"State", s == nullptr       ? ""
                                : s->state.running ? "running"
                                : s->state.waiting ? "waiting"
                                                   : "terminated"},
                      {"Restarts", restarts},
                      {"Ports", Ports(c)},
                      {"Pid", s == nullptr ? 0 : s->pid},
                      {"PodIP", p.status.pod_ip},
                      {"Ready", s != nullptr && s->ready},
                      {"Created", FormatTime(p.plan.created_nanos)}});
    }
  }
  if (in.Flag("quiet")) return 0;
  std::fputs(TRY(FormatRows(in.Text("format"), table, rows)).c_str(), stdout);
  return 0;
}

Result<int> PodPs(Invocation& in) {
  Table table({"NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"});
  Json rows = Json::array();
  for (const pods::PodRecord& p : TRY(PodsFor(in))) {
    if (in.Flag("quiet")) {
      std::printf("%s\n", NameOf(p).c_str());
      continue;
    }
    std::string ready = StrCat(p.ReadyCount(), "/", p.ContainerCount());
    table.Add({NameOf(p), ready, p.StatusWord(), StrCat(p.Restarts()), Age(p.plan.created_nanos),
               p.status.pod_ip.empty() ? "<none>" : p.status.pod_ip});
    rows.push_back({{"Namespace", p.plan.ns},
                    {"Name", p.plan.name},
                    {"Ready", ready},
                    {"Status", p.StatusWord()},
                    {"Restarts", p.Restarts()},
                    {"PodIP", p.status.pod_ip},
                    {"Labels", p.plan.labels},
                    {"Created", FormatTime(p.plan.created_nanos)}});
  }
  if (in.Flag("quiet")) return 0;
  std::fputs(TRY(FormatRows(in.Text("format"), table, rows)).c_str(), stdout);
  return 0;
}

Result<int> Inspect(Invocation& in) {
  if (in.args.empty()) return Error("which pod?");
  Json out = Json::array();
  for (const std::string& name : in.args) {
    pods::PodRecord p = TRY(PodByName(in, name));
    out.push_back({{"Name", p.plan.name},
                   {"Namespace", p.plan.ns},
                   {"Alive", p.alive},
                   {"Status", pods::ToJson(p.status)},
                   {"Plan", pods::ToJson(p.plan)}});
  }
  std::string whole = Dump(out, 2) + "\n";
  std::string format = in.Text("format");
  std::fputs(format.empty() ? whole.c_str() : TRY(FormatRows(format, Table({}), out)).c_str(),
             stdout);
  return 0;
}

Result<int> Describe(Invocation& in) {
  if (!in.args.empty() && (in.args[0] == "pod" || in.args[0] == "pods"))
    in.args.erase(in.args.begin());
  if (in.args.empty()) return Error("which pod?");
  std::vector<pods::Event> events = TRY(pods::ReadEvents(in.paths));
  for (const std::string& name : in.args) {
    pods::PodRecord p = TRY(PodByName(in, name));
    std::fputs(DescribePod(p, events).c_str(), stdout);
  }
  return 0;
}

void EventsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("since", po::value<std::string>()->default_value("")->value_name("DURATION"),
      "only those of the last 10m, 1h ...");
}

Result<int> Events(Invocation& in) {
  int64_t from = 0;
  if (!in.Text("since").empty()) {
    auto since = ParseDuration(in.Text("since"));
    if (!since)
      return Error(
          StrCat("--since ", Quote(in.Text("since")), ": wanted a duration such as 10m or 1h"));
    from = NowNanos() - *since;
  }
  Table table({"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"});
  Json rows = Json::array();
  for (const pods::Event& e : TRY(pods::ReadEvents(in.paths))) {
    if (e.time_nanos < from || (in.Has("namespace") && e.ns != in.ns)) continue;
    std::string object = StrCat(ToLower(e.kind), "/", e.name);
    table.Add({Age(e.time_nanos), e.type, e.reason, object, e.message});
    rows.push_back({{"time", FormatTimeNano(e.time_nanos)},
                    {"type", e.type},
                    {"reason", e.reason},
                    {"namespace", e.ns},
                    {"object", object},
                    {"container", e.container},
                    {"message", e.message}});
  }
  std::fputs(TRY(FormatRows(in.Text("format"), table, rows)).c_str(), stdout);
  return 0;
}

Result<int> Top(Invocation& in) {
  Table table({"POD", "CONTAINER", "PID", "COMMAND"});
  for (const pods::PodRecord& p : TRY(SelectPods(in))) {
    for (const pods::ContainerStatus* container : p.Containers()) {
      const pods::ContainerStatus& s = *container;
      if (s.pid == 0) continue;
      auto group = runtime::Cgroup::At(pods::CgroupPath(in.paths, p.plan.Id(), s.name));
      for (pid_t pid : TRY(group.Processes())) {
        std::string line = ReadFile(StrCat("/proc/", pid, "/cmdline"), 1 << 20).value_or("");
        std::replace(line.begin(), line.end(), '\0', ' ');
        if (line.empty())
          line = std::string(Trim(ReadFile(StrCat("/proc/", pid, "/comm")).value_or("")));
        table.Add({NameOf(p), s.name, StrCat(pid), std::string(Trim(line))});
      }
    }
  }
  std::fputs(table.Text().c_str(), stdout);
  return 0;
}

void StatsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  add("no-stream", po::bool_switch(), "once, instead of again and again");
  add("all,a", po::bool_switch(), "accepted: every pod is shown");
}

Status PrintStats(const Invocation& in) {
  for (const std::string& name : in.args) TRY(PodByName(in, name));
  struct Row {
    std::string pod, name;
    runtime::Cgroup group;
    runtime::CgroupStats before;
  };
  std::vector<Row> rows;
  for (const pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool wanted =
        in.args.empty() || std::find(in.args.begin(), in.args.end(), p.plan.name) != in.args.end();
    for (const pods::ContainerStatus* container : p.Containers()) {
      const pods::ContainerStatus& s = *container;
      if (!wanted || s.pid == 0 || !p.alive) continue;
      Row row{NameOf(p),
              s.name,
              runtime::Cgroup::At(pods::CgroupPath(in.paths, p.plan.Id(), s.name)),
              {}};
      row.before = row.group.Stats().value_or({});
      rows.push_back(std::move(row));
    }
  }
  constexpr int64_t kInterval = 500'000'000;
  ::usleep(kInterval / 1000);
  Table table({"POD", "CONTAINER", "CPU %", "MEM USAGE / LIMIT", "PIDS"});
  Json out = Json::array();
  for (const Row& r : rows) {
    runtime::CgroupStats s = r.group.Stats().value_or({});
    uint64_t tenths = (s.cpu_nanos - std::min(s.cpu_nanos, r.before.cpu_nanos)) * 1000 / kInterval;
    std::string cpu = StrCat(tenths / 10, ".", tenths % 10, "%");
    table.Add({r.pod, r.name, cpu,
               StrCat(HumanBytes(s.memory_bytes), " / ",
                      s.memory_limit == 0 ? "-" : HumanBytes(s.memory_limit)),
               StrCat(s.pids)});
    out.push_back({{"Pod", r.pod},
                   {"Name", r.name},
                   {"CPU", cpu},
                   {"CPUNanos", s.cpu_nanos},
                   {"MemUsage", s.memory_bytes},
                   {"MemLimit", s.memory_limit},
                   {"PIDs", s.pids}});
  }
  std::fputs(TRY(FormatRows(in.Text("format"), table, out)).c_str(), stdout);
  return OkStatus();
}

Result<int> Stats(Invocation& in) {
  bool stream = !in.Flag("no-stream") && ::isatty(1) == 1 && in.Text("format").empty();
  for (;;) {
    if (stream) std::fputs("\033[H\033[2J", stdout);
    TRY(PrintStats(in));
    std::fflush(stdout);
    if (!stream) return 0;
    ::usleep(500'000);
  }
}

void TopOptions(po::options_description_easy_init& add) {
  add("all,a", po::bool_switch(), "every pod");
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
}

}  // namespace

void AddLookCommands(std::vector<Command>* out) {
  out->push_back(
      {{"ps"},
       {},
       "",
       "List containers",
       "What waits says for what.\n\nExamples:\n  kpod ps\n  kpod ps --all --format json\n  "
       "kpod ps --format '{{.Pod}} {{.Status}}'",
       PsOptions,
       Ps});
  out->push_back(
      {{"pod", "ps"}, {"pod ls", "pods", "get pods"}, "", "List pods", "", PsOptions, PodPs});
  out->push_back({{"describe"},
                  {},
                  "pod NAME",
                  "Show a pod, its containers and its events",
                  "",
                  nullptr,
                  Describe});
  out->push_back({{"inspect"},
                  {"pod inspect"},
                  "POD...",
                  "Print plan and status of pods as JSON",
                  "Examples:\n  kpod inspect web\n  kpod inspect --format '{{.Status.podIP}}' web",
                  FormatOption,
                  Inspect});
  out->push_back({{"events"}, {}, "", "Show what happened", "", EventsOptions, Events});
  out->push_back(
      {{"top"}, {"pod top"}, "POD...", "List the processes of pods", "", TopOptions, Top});
  out->push_back(
      {{"stats"}, {"pod stats"}, "[POD...]", "Show what containers use", "", StatsOptions, Stats});
}

}  // namespace kpod::cmd
