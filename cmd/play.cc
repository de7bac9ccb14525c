// play kube, kube down, generate kube: objects in, objects out.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "images/progress.h"
#include "kube/load.h"
#include "pods/manager.h"
#include "store/objects.h"

namespace kpod::cmd {

namespace {

void PlayOptions(po::options_description_easy_init& add) {
  add("replace", po::bool_switch(), "remove what was played from these objects first");
  add("start", po::value<bool>()->default_value(true)->implicit_value(true)->value_name("BOOL"),
      "start the pods (--start=false only makes them)");
  add("configmap", po::value<std::vector<std::string>>()->value_name("FILE"),
      "ConfigMaps to play with the manifest");
  add("network", po::value<std::string>()->default_value("")->value_name("NAME"),
      "native (the default), host or none");
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
  for (const std::string& p : in.Texts("publish")) o.publish.push_back(TRY(ParsePublish(p)));
  return o;
}

std::string FullKind(const std::string& kind) {
  std::string lower = ToLower(kind);
  return kind == "Deployment" ? lower + ".apps" : lower;
}

void PrintResult(const pods::ApplyResult& result, bool quiet) {
  for (const std::string& w : result.warnings) std::fprintf(stderr, "warning: %s\n", w.c_str());
  if (quiet) return;
  std::set<std::string> said;  // a Pod is an object and a pod
  for (const auto& e : result.entries) {
    if (e.kind == "pod" && e.action == "created") continue;  // said by its Pod or Deployment
    std::string line = StrCat(FullKind(e.kind), "/", e.name, " ", e.action);
    if (said.insert(StrCat(e.ns, " ", line)).second) std::printf("%s\n", line.c_str());
  }
}

Status AwaitReady(const store::Paths& paths, const std::vector<kube::Object>& objects) {
  for (;;) {
    bool all = true;
    for (const pods::PodRecord& p : TRY(pods::ListPods(paths))) {
      bool mine = std::any_of(objects.begin(), objects.end(), [&](const kube::Object& o) {
        return o.ns == p.plan.ns &&
               (p.plan.owner_kind.empty()
                    ? o.kind == "Pod" && o.name == p.plan.name
                    : o.kind == p.plan.owner_kind && o.name == p.plan.owner_name);
      });
      bool ended = p.status.phase == "Succeeded" || p.status.phase == "Failed";
      if (mine && !ended && p.ReadyCount() != static_cast<int>(p.plan.containers.size()))
        all = false;
    }
    if (all) return OkStatus();
    ::usleep(50'000);
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

Result<int> Down(Invocation& in);

Result<int> Play(Invocation& in) {
  if (in.Flag("down")) return Down(in);
  std::vector<std::string> sources = in.args;
  for (const std::string& f : in.Texts("configmap")) sources.insert(sources.begin(), f);
  if (in.args.empty())
    return Error("which manifest? Name a FILE, a DIRECTORY, a URL, or - for standard input");
  kube::Validate validate = TRY(ParseValidate(in.Text("validate")));
  std::vector<kube::Object> objects =
      TRY(LoadSources(sources, validate, in.ns, in.Has("namespace"), in.Flag("quiet")));
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
  if (options.wait) TRY(AwaitReady(in.paths, objects));
  return 0;
}

void DownOptions(po::options_description_easy_init& add) {
  add("force", po::bool_switch(), "remove the data of PersistentVolumeClaims too");
  add("time,t", po::value<int64_t>()->value_name("SECONDS"),
      "grace before SIGKILL (default: each pod's own)");
}

std::optional<int64_t> GraceOf(const Invocation& in) {
  if (in.options.count("time") == 0) return std::nullopt;
  return in.options["time"].as<int64_t>();
}

// The objects that were played from a file, or that have a name.
Result<std::vector<kube::Object>> FindPlayed(const Invocation& in, pods::Manager* manager,
                                             const std::string& word) {
  Result<std::vector<kube::Object>> found = manager->FindPlayed(in.ns, word);
  if (found || found.error().code() != ENOENT) return found;
  std::vector<std::string> known;
  for (const store::StoredObject& o : TRY(store::ObjectStore(in.paths).List(in.ns))) {
    known.push_back(o.name);
    known.push_back(StrCat(ToLower(o.kind), "/", o.name));
  }
  std::string guess = DidYouMean(word, known);
  return Error(StrCat("nothing with the name ", Quote(word), " was played",
                      guess.empty() ? ", and there is no such file"
                                    : StrCat(": did you mean ", Quote(guess), "?")));
}

Result<int> Down(Invocation& in) {
  if (in.args.empty())
    return Error("what shall come down? Name the FILE that was played, or an object");
  pods::Manager manager(in.paths);
  std::vector<kube::Object> objects;
  for (const std::string& word : in.args) {
    struct stat st;
    bool source = word == "-" || Contains(word, "://") || ::stat(word.c_str(), &st) == 0;
    if (source) {
      for (kube::Object& o :
           TRY(LoadSources({word}, kube::Validate::kIgnore, in.ns, in.Has("namespace"), true)))
        objects.push_back(std::move(o));
    } else {
      for (kube::Object& o : TRY(FindPlayed(in, &manager, word))) objects.push_back(std::move(o));
    }
  }
  pods::ApplyResult result = TRY(manager.Down(objects, in.Flag("force"), GraceOf(in)));
  PrintResult(result, false);
  return 0;
}

void GenerateOptions(po::options_description_easy_init& add) {
  add("filename,f", po::value<std::string>()->value_name("FILE"),
      "write there instead of standard output");
}

// Names that a pod spec refers to come along: a manifest that plays elsewhere needs them.
void AddReferences(const Json& node, std::vector<std::pair<std::string, std::string>>* out) {
  if (node.is_array()) {
    for (const Json& e : node) AddReferences(e, out);
  }
  if (!node.is_object()) return;
  for (const auto& [key, value] : node.items()) {
    if (key == "configMap" || key == "configMapRef" || key == "configMapKeyRef")
      out->emplace_back("ConfigMap", StringAt(value, "name"));
    if (key == "secretRef" || key == "secretKeyRef")
      out->emplace_back("Secret", StringAt(value, "name"));
    if (key == "secret")
      out->emplace_back("Secret", StringAt(value, "secretName", StringAt(value, "name")));
    if (key == "persistentVolumeClaim")
      out->emplace_back("PersistentVolumeClaim", StringAt(value, "claimName"));
    AddReferences(value, out);
  }
}

Result<int> Generate(Invocation& in) {
  if (in.args.empty()) return Error("name a pod, a deployment, or another object that was played");
  pods::Manager manager(in.paths);
  store::ObjectStore store(in.paths);
  std::vector<kube::Object> objects;
  auto add = [&](kube::Object o) {
    bool known = std::any_of(objects.begin(), objects.end(),
                             [&](const kube::Object& k) { return k.Key() == o.Key(); });
    if (!known) objects.push_back(std::move(o));
  };
  for (const std::string& word : in.args) {
    std::string name = word;
    Result<pods::PodRecord> pod =
        pods::FindPod(in.paths, in.ns, word.starts_with("pod/") ? word.substr(4) : word);
    if (pod && !pod->plan.owner_kind.empty())
      name = StrCat(ToLower(pod->plan.owner_kind), "/", pod->plan.owner_name);
    for (kube::Object& o : TRY(FindPlayed(in, &manager, name))) {
      std::vector<std::pair<std::string, std::string>> references;
      if (o.kind != "ConfigMap" && o.kind != "Secret")
        AddReferences(At(o.json, "spec"), &references);
      for (const auto& [kind, ref] : references) {
        std::optional<store::StoredObject> found = TRY(store.Get(o.ns, kind, ref));
        if (!found) continue;
        kube::Object k;
        k.kind = kind;
        k.ns = o.ns;
        k.name = ref;
        k.json = found->object;
        add(std::move(k));
      }
      add(std::move(o));
    }
  }
  std::string text;
  for (const kube::Object& o : objects)
    text += StrCat(text.empty() ? "" : "---\n", kube::ToYaml(o.json));
  std::string file = in.Text("filename");
  if (file.empty()) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  TRY(WriteFileAtomic(file, text, 0644));
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
  out->push_back({{"generate", "kube"},
                  {"kube generate"},
                  "NAME...",
                  "Print what was played as Kubernetes YAML",
                  "The objects come back whole, with the ConfigMaps, Secrets and claims they refer "
                  "to.\n\nExamples:\n"
                  "  kpod generate kube web\n  kpod generate kube deployment/web -f web.yaml",
                  GenerateOptions,
                  Generate});
}

}  // namespace kpod::cmd
