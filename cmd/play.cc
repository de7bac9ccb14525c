// play kube, kube down, generate kube: objects in, objects out.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/files.h"
#include "base/spawn.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "images/progress.h"
#include "kube/kind_names.h"
#include "kube/load.h"
#include "pods/manager.h"

namespace kpod::cmd {

namespace {

void SourceOption(po::options_description_easy_init& add) {
  add("filename,f", po::value<std::vector<std::string>>()->value_name("SOURCE"),
      "a source, as kubectl has it; the same as an argument");
}

// The arguments and what -f names.
std::vector<std::string> SourcesOf(const Invocation& in) {
  std::vector<std::string> sources = in.args;
  for (std::string& s : in.Texts("filename")) sources.push_back(std::move(s));
  return sources;
}

void PlayOptions(po::options_description_easy_init& add) {
  SourceOption(add);
  add("replace", po::bool_switch(), "remove what was played from these objects first");
  add("start", po::value<bool>()->default_value(true)->implicit_value(true)->value_name("BOOL"),
      "start the pods (--start=false only makes them)");
  add("configmap", po::value<std::vector<std::string>>()->value_name("FILE"),
      "ConfigMaps to play with the manifest");
  add("network", po::value<std::string>()->default_value("")->value_name("NAME"),
      "native (the default), host or none");
  add("userns", po::value<std::string>()->default_value("")->value_name("MODE"),
      "auto: each pod in a user namespace of its own; host: none");
  add("publish", po::value<std::vector<std::string>>()->value_name("[IP:]HOST:CONTAINER[/PROTO]"),
      "publish a port of a container on this machine");
  add("dry-run",
      po::value<std::string>()->default_value("")->implicit_value("yaml")->value_name("json|yaml"),
      "print the plan and change nothing");
  add("validate", po::value<std::string>()->default_value("warn")->value_name("strict|warn|ignore"),
      "what is not carried out: refuse, warn, or say nothing");
  add("quiet,q", po::bool_switch(), "print nothing but errors");
  add("wait", po::bool_switch(), "wait until every container runs or has ended");
  add("down", po::bool_switch(), "take down instead, as kube down");
  add("force", po::bool_switch(), "with --down: remove the data of PersistentVolumeClaims too");
}

Result<pods::PortPlan> ParsePublish(const std::string& text) {
  pods::PortPlan p;
  std::string spec = text;
  size_t slash = spec.find('/');
  if (slash != std::string::npos) {
    p.protocol = spec.substr(slash + 1);
    std::transform(p.protocol.begin(), p.protocol.end(), p.protocol.begin(), ::toupper);
    spec.resize(slash);
  }
  size_t colon = spec.rfind(':');
  auto container = ParseInt(colon == std::string::npos ? spec : spec.substr(colon + 1));
  std::string host = colon == std::string::npos ? spec : spec.substr(0, colon);
  size_t ip = host.rfind(':');
  if (ip != std::string::npos) {
    p.host_ip = host.substr(0, ip);
    host = host.substr(ip + 1);
  }
  auto port = ParseInt(host);
  bool good =
      port && container && *port > 0 && *port < 65536 && *container > 0 && *container < 65536;
  if (!good || (p.protocol != "TCP" && p.protocol != "UDP" && p.protocol != "SCTP")) {
    return Error(StrCat("--publish ", Quote(text), ": wanted [IP:]HOST:CONTAINER[/tcp|udp|sctp]"));
  }
  p.host_port = static_cast<int>(*port);
  p.container_port = static_cast<int>(*container);
  return p;
}

Result<pods::ApplyOptions> OptionsFrom(const Invocation& in) {
  pods::ApplyOptions o;
  o.replace = in.Flag("replace");
  o.start = in.Flag("start");
  o.wait = in.Flag("wait");
  o.network = in.Text("network");
  o.userns = in.Text("userns");
  for (const std::string& p : in.Texts("publish")) o.publish.push_back(TRY(ParsePublish(p)));
  return o;
}

void PrintResult(const pods::ApplyResult& result, bool quiet) {
  for (const std::string& w : result.warnings)
    std::fprintf(stderr, "warning: %s\n", Printable(w).c_str());
  if (quiet) return;
  auto made = [&](const auto& e) {
    return std::any_of(result.entries.begin(), result.entries.end(), [&](const auto& o) {
      return o.kind == "pod" && o.action == "created" && o.ns == e.ns && o.name == e.name;
    });
  };
  std::set<std::string> said;  // a Pod is an object and a pod
  for (const auto& e : result.entries) {
    // A pod that was made is said by its Pod or Deployment, also when it is made anew.
    if (e.kind == "pod" && (e.action == "created" || made(e))) continue;
    std::string line = StrCat(kube::ResourceName(e.kind), "/", e.name, " ", e.action);
    if (said.insert(StrCat(e.ns, " ", line)).second) std::printf("%s\n", line.c_str());
  }
}

// Of one played object: what --wait still waits for; "" when all its pods run and are ready, or
// have done their work. An error when one can only fail.
Result<std::string> Lacks(const std::vector<pods::PodRecord>& all,
                          const pods::ApplyResult::Entry& object) {
  bool own = object.kind == "Pod";
  for (const pods::PodRecord& p : all) {
    bool mine = own ? p.plan.owner_kind.empty() && p.plan.name == object.name
                    : p.plan.owner_kind == object.kind && p.plan.owner_name == object.name;
    if (!mine || p.plan.ns != object.ns) continue;
    if (p.status.phase == "Succeeded" || p.status.stopped) continue;
    std::string word = p.StatusWord();
    if (p.status.phase == "Failed") {
      return Error(StrCat("pod ", p.plan.name, " has failed: ", word,
                          p.status.message.empty() ? "" : ": " + p.status.message));
    }
    if (p.ReadyCount() == p.ContainerCount()) continue;
    std::string message;
    for (const pods::ContainerStatus* c : p.Containers()) {
      const auto& waiting = c->state.waiting;
      if (waiting && !waiting->message.empty()) message = waiting->message;
    }
    return StrCat("pod ", p.plan.name, ": ", word, message.empty() ? "" : ": " + message);
  }
  return std::string();
}

// Until every pod of what was played is ready; tells on standard error what it waits for.
Status AwaitReady(const store::Paths& paths, const pods::ApplyResult& played, bool quiet) {
  constexpr int kTickMicros = 20'000;
  std::string said;
  for (int tick = 0;; ++tick) {
    std::string lack;
    std::vector<pods::PodRecord> all = TRY(pods::ListPods(paths));
    for (const pods::ApplyResult::Entry& e : played.entries) {
      if (lack.empty() && e.kind != "pod") lack = TRY(Lacks(all, e));
    }
    if (lack.empty()) return OkStatus();
    bool worth_telling = tick >= 50 && lack != said;
    if (worth_telling && !quiet) {
      std::fprintf(stderr, "waiting: %s\n", lack.c_str());
      said = lack;
    }
    ::usleep(kTickMicros);
  }
}

Result<int> PrintPlans(pods::Manager& manager, const std::vector<kube::Object>& objects,
                       const pods::ApplyOptions& options, const std::string& format) {
  Json plans = Json::array();
  for (const pods::Plan& p : TRY(manager.DryRun(objects, options)))
    plans.push_back(pods::ToJson(p));
  if (format == "json") {
    std::printf("%s\n", Dump(plans, 2).c_str());
  } else {
    for (const Json& p : plans) std::printf("---\n%s", kube::ToYaml(p).c_str());
  }
  return 0;
}

// With the ConfigMaps of --configmap before all others.
Result<std::vector<kube::Object>> LoadPlayed(const Invocation& in) {
  LoadOptions load;
  load.validate = TRY(ParseValidate(in.Text("validate")));
  load.ns = in.ns;
  load.ns_given = in.Has("namespace");
  load.quiet = in.Flag("quiet");
  std::vector<kube::Object> objects;
  if (std::vector<std::string> files = in.Texts("configmap"); !files.empty()) {
    LoadOptions only = load;
    only.only_kind = "ConfigMap";
    objects = TRY(LoadSources(files, only).Context("--configmap"));
  }
  for (kube::Object& o : TRY(LoadSources(SourcesOf(in), load))) {
    std::erase_if(objects, [&](const kube::Object& k) { return k.Key() == o.Key(); });
    objects.push_back(std::move(o));
  }
  return objects;
}

Result<int> Down(Invocation& in);

Result<int> Play(Invocation& in) {
  if (in.Flag("down")) return Down(in);
  if (SourcesOf(in).empty())
    return Error("which manifest? Name a FILE, a DIRECTORY, a URL, or - for standard input");
  std::vector<kube::Object> objects = TRY(LoadPlayed(in));
  pods::ApplyOptions options = TRY(OptionsFrom(in));
  pods::Manager manager(in.paths);
  std::string format = in.Text("dry-run");
  if (!format.empty()) {
    if (format != "json" && format != "yaml") return Error("--dry-run prints json or yaml");
    return PrintPlans(manager, objects, options, format);
  }
  images::ProgressBar bar(in.Flag("quiet"));
  options.progress = bar.Callback();
  pods::ApplyResult result = TRY(manager.Apply(objects, options));
  bar.Finish();
  PrintResult(result, in.Flag("quiet"));
  if (options.wait && options.start) TRY(AwaitReady(in.paths, result, in.Flag("quiet")));
  return 0;
}

void DownOptions(po::options_description_easy_init& add) {
  SourceOption(add);
  add("force", po::bool_switch(), "remove the data of PersistentVolumeClaims too");
  add("time,t", po::value<int64_t>()->value_name("SECONDS"),
      "grace before SIGKILL (default: each pod's own)");
}

std::optional<int64_t> GraceOf(const Invocation& in) {
  if (in.options.count("time") == 0) return std::nullopt;
  return in.options["time"].as<int64_t>();
}

Result<int> Down(Invocation& in) {
  if (SourcesOf(in).empty())
    return Error("what shall come down? Name the FILE that was played, or an object");
  pods::Manager manager(in.paths);
  std::vector<kube::Object> objects;
  for (const std::string& word : SourcesOf(in)) {
    struct stat st;
    bool source = word == "-" || Contains(word, "://") || ::stat(word.c_str(), &st) == 0;
    if (source) {
      LoadOptions load;
      load.validate = kube::Validate::kIgnore;
      load.ns = in.ns;
      load.ns_given = in.Has("namespace");
      load.quiet = true;
      for (kube::Object& o : TRY(LoadSources({word}, load))) objects.push_back(std::move(o));
    } else {
      for (kube::Object& o : TRY(FindPlayed(in, word))) objects.push_back(std::move(o));
    }
  }
  pods::ApplyResult result = TRY(manager.Down(objects, in.Flag("force"), GraceOf(in)));
  PrintResult(result, false);
  return 0;
}

}  // namespace

void AddPlayCommands(std::vector<Command>* out) {
  out->push_back(
      {{"play", "kube"},
       {"kube play", "play", "apply"},
       "FILE... | - | URL | DIRECTORY",
       "Run what Kubernetes manifests say",
       "Objects that are new are made, changed ones updated, equal ones left alone.\n\nExamples:\n"
       "  kpod play kube app.yaml\n  kpod play kube --replace manifests/\n  kpod play kube "
       "--dry-run=json app.yaml\n  cat app.yaml | kpod play kube -",
       PlayOptions,
       Play});
  out->push_back({{"kube", "down"},
                  {"down"},
                  "FILE|NAME...",
                  "Take down what was played",
                  "PersistentVolumeClaims and their data stay, but with --force.\n\nExamples:\n  "
                  "kpod kube down app.yaml\n  kpod kube down deployment/web --time 0",
                  DownOptions,
                  Down});
}

}  // namespace kpod::cmd
