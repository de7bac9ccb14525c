// inspect, describe, events: what there is to know of pods.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/describe.h"
#include "cmd/follow.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "cmd/table.h"
#include "pods/events.h"
#include "pods/status.h"
#include "pods/workloads.h"
#include "store/objects.h"

namespace kpod::cmd {

namespace {

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
  std::string format = in.Text("format");
  Print(format.empty() ? Dump(out, 2) + "\n" : TRY(FormatRows(format, Table({}), out)));
  return 0;
}

void DescribeOptions(po::options_description_easy_init& add) {
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
  add("all-namespaces,A", po::bool_switch(), "pods of every namespace");
}

// As kubectl's describe: a word is a name, else the beginning of names.
Result<std::vector<pods::PodRecord>> ByNameOrPrefix(const Invocation& in, const std::string& word) {
  Result<std::vector<pods::PodRecord>> exact = PodsByName(in, word);
  if (exact || exact.error().code() != ENOENT) return exact;
  std::vector<pods::PodRecord> out;
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    if (p.plan.ns == in.ns && p.plan.name.starts_with(word)) out.push_back(std::move(p));
  }
  if (out.empty()) return exact;
  return out;
}

Result<std::vector<pods::PodRecord>> PodsToDescribe(Invocation& in) {
  bool kind =
      !in.args.empty() && (in.args[0] == "pod" || in.args[0] == "pods" || in.args[0] == "po");
  if (kind) in.args.erase(in.args.begin());
  if (!kind && in.args.empty() && in.Text("selector").empty()) return Error("which pod?");
  std::vector<pods::PodRecord> out;
  for (const std::string& word : in.args) {
    for (pods::PodRecord& p : TRY(ByNameOrPrefix(in, word))) out.push_back(std::move(p));
  }
  if (!in.args.empty()) return out;
  kube::LabelSelector labels = TRY(kube::ParseSelector(in.Text("selector")));
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool here = in.Flag("all-namespaces") || p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
}

// What the pod was made from; the template, where it is a Deployment's.
Result<std::optional<kube::Pod>> ObjectOf(const Invocation& in, const pods::Plan& plan) {
  bool own = plan.owner_kind.empty();
  std::optional<store::StoredObject> object = TRY(store::ObjectStore(in.paths).Get(
      plan.ns, own ? "Pod" : plan.owner_kind, own ? plan.name : plan.owner_name));
  std::vector<pods::Workload> workloads;
  if (object) workloads = pods::WorkloadsOf({*object});
  if (workloads.empty()) return std::optional<kube::Pod>();
  return std::optional<kube::Pod>(std::move(workloads[0].pod));
}

Result<int> Describe(Invocation& in) {
  std::vector<pods::PodRecord> pods = TRY(PodsToDescribe(in));
  if (pods.empty()) std::fprintf(stderr, "No resources found in %s namespace.\n", in.ns.c_str());
  std::vector<pods::Event> events = TRY(pods::ReadEvents(in.paths));
  char node[65] = {};
  (void)::gethostname(node, sizeof(node) - 1);
  for (size_t i = 0; i < pods.size(); ++i) {
    const pods::PodRecord& p = pods[i];
    if (!p.plan_damage.empty()) return Error(p.plan_damage);
    std::optional<kube::Pod> object = TRY(ObjectOf(in, p.plan));
    PodToDescribe it{p, object ? &object->spec : nullptr, node};
    Print(StrCat(i == 0 ? "" : "\n\n", DescribePod(it, events)));
  }
  return 0;
}

void EventsOptions(po::options_description_easy_init& add) {
  FormatOption(add);
  SinceOption(add);
  add("follow,f", po::bool_switch(), "go on with what happens");
  add("for", po::value<std::string>()->default_value("")->value_name("POD"),
      "only of this pod, as web or pod/web");
  add("filter", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "only those that fit: type, reason, name, namespace, container");
}

class EventList {
 public:
  static Result<EventList> Make(const Invocation& in) {
    EventList list(in);
    list.filter_ = TRY(
        Filter::Parse(in.Texts("filter"), {"type", "reason", "name", "namespace", "container"}));
    list.from_ = TRY(SinceOf(in));
    std::string object = in.Text("for");
    size_t slash = object.rfind('/');
    list.ns_ = in.Has("namespace") || !object.empty() ? in.ns : "";
    list.name_ = object.substr(slash == std::string::npos ? 0 : slash + 1);
    std::string before = object.substr(0, slash == std::string::npos ? 0 : slash);
    if (!before.empty() && before != "pod" && before != "pods") list.ns_ = before;
    std::vector<std::string> header = {"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
    if (list.ns_.empty()) header.insert(header.begin(), "NAMESPACE");
    list.table_ = Table(std::move(header));
    return list;
  }

  void Add(const pods::Event& e) {
    bool wanted = e.time_nanos >= from_ && (ns_.empty() || e.ns == ns_) &&
                  (name_.empty() || e.name == name_) &&
                  filter_.Matches({{"type", e.type},
                                   {"reason", e.reason},
                                   {"name", e.name},
                                   {"namespace", e.ns},
                                   {"container", e.container}});
    if (!wanted) return;
    std::string object = StrCat(ToLower(e.kind), "/", e.name);
    std::string age = HumanDuration(NowNanos() - e.time_nanos);
    if (ns_.empty()) {
      table_.Add({e.ns, age, e.type, e.reason, object, e.message});
    } else {
      table_.Add({age, e.type, e.reason, object, e.message});
    }
    rows_.push_back({{"time", FormatTimeNano(e.time_nanos)},
                     {"type", e.type},
                     {"reason", e.reason},
                     {"namespace", e.ns},
                     {"object", object},
                     {"container", e.container},
                     {"message", e.message}});
  }

  Result<std::string> All() { return FormatRows(format_, table_, rows_); }

  // Those added since the last call; as JSON a line each.
  Result<std::string> Next() {
    Json rows = Json::array();
    std::swap(rows, rows_);
    if (format_.empty() || format_ == "table") return table_.Next();
    if (format_ != "json") return FormatRows(format_, table_, rows);
    std::string out;
    for (const Json& row : rows) out += Dump(row) + "\n";
    return out;
  }

 private:
  explicit EventList(const Invocation& in) : format_(in.Text("format")) {}

  std::string format_, ns_, name_;
  int64_t from_ = 0;
  Filter filter_;
  Table table_{{}};
  Json rows_ = Json::array();
};

Result<int> Events(Invocation& in) {
  EventList list = TRY(EventList::Make(in));
  auto add = [&](const std::string& line) {
    if (std::optional<pods::Event> e = pods::ParseEvent(line)) list.Add(*e);
  };
  FilePosition end;
  std::string path = pods::EventLog(in.paths);
  for (const std::string& part : TRY(ReadParts(path, &end))) {
    for (const std::string& line : Split(part, '\n')) add(line);
  }
  if (!in.Flag("follow")) {
    Print(TRY(list.All()));
    return 0;
  }
  for (FileFollower follower(path, std::move(end));; ::usleep(100'000)) {
    Print(TRY(list.Next()));
    if (std::fflush(stdout) != 0) return Error::Errno("standard output");
    for (const std::string& line : follower.Poll()) add(line);
  }
}

}  // namespace

void AddLookCommands(std::vector<Command>* out) {
  out->push_back(
      {{"describe"},
       {},
       "pod NAME...",
       "Show pods, their containers and their events",
       "A NAME that no pod has is the beginning of names. Without a NAME, all pods of the\n"
       "namespace.\n\nExamples:\n  kpod describe pod web\n  kpod describe pods -l "
       "app=web",
       DescribeOptions,
       Describe});
  out->push_back({{"inspect"},
                  {"pod inspect"},
                  "POD...",
                  "Print plan and status of pods as JSON",
                  "Examples:\n  kpod inspect web\n  kpod inspect --format '{{.Status.podIP}}' web",
                  FormatOption,
                  Inspect});
  out->push_back({{"events"},
                  {"get events"},
                  "",
                  "Show what happened",
                  "Examples:\n  kpod events -f\n  kpod events --since 10m --filter type=Warning\n  "
                  "kpod events --for pod/web --format json",
                  EventsOptions,
                  Events});
}

}  // namespace kpod::cmd
