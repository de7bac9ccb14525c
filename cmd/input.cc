#include "cmd/input.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/files.h"
#include "base/spawn.h"
#include "base/terminal.h"
#include "base/text.h"
#include "images/images.h"
#include "pods/manager.h"
#include "runtime/selinux.h"
#include "store/objects.h"

namespace kpod::cmd {

Result<kube::Validate> ParseValidate(const std::string& word) {
  if (word == "strict") return kube::Validate::kStrict;
  if (word == "warn") return kube::Validate::kWarn;
  if (word == "ignore") return kube::Validate::kIgnore;
  return Error(StrCat("--validate ", Quote(word), ": wanted strict, warn or ignore"));
}

namespace {

constexpr size_t kMaxManifest = 16 << 20;

struct Text {
  std::string name, text;
};

bool IsManifest(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

// Links to directories are not followed, as kubectl does: they may lead round in a circle.
Status ReadDirectory(const std::string& path, std::vector<Text>* out, int depth) {
  if (depth > 32) return Error(path + ": directories nested more than 32 deep");
  for (const std::string& name : TRY(ListDir(path))) {
    std::string full = JoinPath(path, name);
    struct stat st;
    bool there = ::lstat(full.c_str(), &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
      TRY(ReadDirectory(full, out, depth + 1));
    } else if (IsManifest(name) && !IsDirectory(full)) {
      // A pipe or a device would be waited for.
      if (::stat(full.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) continue;
      out->push_back({full, TRY(ReadFile(full, kMaxManifest))});
    }
  }
  return OkStatus();
}

Status ReadSource(const std::string& source, std::vector<Text>* out) {
  if (source == "-") {
    out->push_back({"-", TRY(ReadAll(0, kMaxManifest).Context("standard input"))});
    return OkStatus();
  }
  if (source.starts_with("http://") || source.starts_with("https://")) {
    SpawnOptions fetch;
    fetch.argv = {images::HelperPath(), "fetch", source};
    out->push_back({source, TRY(RunChecked(fetch).Context(source))});
    return OkStatus();
  }
  if (!IsDirectory(source)) {
    out->push_back({source, TRY(ReadFile(source, kMaxManifest))});
    return OkStatus();
  }
  size_t before = out->size();
  TRY(ReadDirectory(source, out, 0));
  if (out->size() == before) return Error(source + ": no *.yaml, *.yml or *.json below it");
  return OkStatus();
}

void Print(const kube::Diagnostic& d) {
  const char* colour = d.severity == kube::Severity::kError     ? "\033[31m"
                       : d.severity == kube::Severity::kWarning ? "\033[33m"
                                                                : "\033[2m";
  bool colours = HasColours(2);
  std::fprintf(stderr, "%s%s%s\n", colours ? colour : "", Printable(d.ToString(), true).c_str(),
               colours ? "\033[0m" : "");
}

// Whether an object of that name stands anywhere in it. The depth is bounded by the reader's.
bool Holds(const Json& json, const char* member) {
  if (At(json, member).is_object()) return true;
  return json.is_structured() &&
         std::any_of(json.begin(), json.end(), [&](const Json& j) { return Holds(j, member); });
}

class SourceLoader {
 public:
  explicit SourceLoader(const LoadOptions& options) : options_(options) {}

  void Add(const Text& text) {
    kube::LoadResult loaded = kube::Load(text.text, text.name, options_.validate);
    for (const kube::Diagnostic& d : loaded.diagnostics) Say(d);
    for (kube::Object& o : loaded.objects) {
      if (!selinux_ && Holds(o.json, "seLinuxOptions")) {
        Say(kube::Severity::kNote, o, "", "seLinuxOptions have no effect: SELinux is not on here");
      }
      AddObject(std::move(o));
    }
  }
  Result<std::vector<kube::Object>> Take() {
    if (errors_ > 0) {
      return Error(StrCat("nothing was changed: ", Plural(errors_, "error"), " in the manifest"));
    }
    if (objects_.empty() && !said_) return Error("there is no object in the manifest");
    return std::move(objects_);
  }

 private:
  void Say(const kube::Diagnostic& d) {
    bool error = d.severity == kube::Severity::kError;
    bool repeated = d.severity == kube::Severity::kNote && !noted_.insert(d.text).second;
    said_ = true;
    if (error) ++errors_;
    if (error || (!options_.quiet && !repeated)) Print(d);
  }
  void Say(kube::Severity severity, const kube::Object& o, std::string path, std::string text) {
    bool strict = options_.validate == kube::Validate::kStrict;
    if (severity == kube::Severity::kWarning && options_.validate == kube::Validate::kIgnore)
      return;
    if (severity == kube::Severity::kWarning && strict) severity = kube::Severity::kError;
    Say({severity, o.at, StrCat(o.kind, "/", o.name), std::move(path), std::move(text)});
  }

  void AddObject(kube::Object o) {
    if (!options_.only_kind.empty() && o.kind != options_.only_kind) {
      Say(kube::Severity::kError, o, "kind",
          StrCat("only a ", options_.only_kind, " may stand here, not a ", o.kind));
    }
    if (options_.ns_given && !o.ns.empty()) SetNamespace(&o);
    auto [known, is_new] = places_.emplace(o.Key(), objects_.size());
    if (is_new || o.name.empty()) {
      objects_.push_back(std::move(o));
      return;
    }
    kube::Object& first = objects_[known->second];
    Say(kube::Severity::kWarning, o, "",
        StrCat("the same object stands in ", first.at.file, ":", first.at.line,
               "; this one is taken"));
    first = std::move(o);
  }

  void SetNamespace(kube::Object* o) {
    std::string written = StringAt(At(o->json, "metadata"), "namespace");
    if (!written.empty() && written != options_.ns) {
      Say(kube::Severity::kError, *o, "metadata.namespace",
          StrCat("the namespace from the provided object ", Quote(written),
                 " does not match the namespace ", Quote(options_.ns), " of --namespace"));
    }
    o->ns = options_.ns;
    o->json["metadata"]["namespace"] = options_.ns;
  }

  const LoadOptions& options_;
  const bool selinux_ = runtime::IsSelinuxOn();
  std::vector<kube::Object> objects_;
  std::map<std::string, size_t> places_;  // of each object by its key
  std::set<std::string> noted_;
  bool said_ = false;
  size_t errors_ = 0;
};

}  // namespace

Result<std::vector<kube::Object>> LoadSources(const std::vector<std::string>& sources,
                                              const LoadOptions& options) {
  std::vector<Text> texts;
  for (const std::string& s : sources) TRY(ReadSource(s, &texts));
  SourceLoader loader(options);
  for (const Text& t : texts) loader.Add(t);
  return loader.Take();
}

Result<std::vector<kube::Object>> FindPlayed(const Invocation& in, const std::string& word) {
  pods::Manager manager(in.paths);
  Result<std::vector<kube::Object>> found = manager.FindPlayed(in.ns, word);
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

}  // namespace kpod::cmd
