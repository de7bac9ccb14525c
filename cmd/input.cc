#include "cmd/input.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/files.h"
#include "base/spawn.h"
#include "base/text.h"
#include "images/images.h"

namespace kpod::cmd {

Result<kube::Validate> ParseValidate(const std::string& word) {
  if (word == "strict") return kube::Validate::kStrict;
  if (word == "warn") return kube::Validate::kWarn;
  if (word == "ignore") return kube::Validate::kIgnore;
  return Error(StrCat("--validate ", Quote(word), ": wanted strict, warn or ignore"));
}

namespace {

struct Text {
  std::string name, text;
};

bool IsManifest(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

Status ReadDirectory(const std::string& path, std::vector<Text>* out, int depth) {
  if (depth > 32) return Error(path + ": directories nested more than 32 deep");
  for (const std::string& name : TRY(ListDir(path))) {
    std::string full = JoinPath(path, name);
    if (IsDirectory(full)) {
      TRY(ReadDirectory(full, out, depth + 1));
    } else if (IsManifest(name)) {
      out->push_back({full, TRY(ReadFile(full, 16 << 20))});
    }
  }
  return OkStatus();
}

Status ReadSource(const std::string& source, std::vector<Text>* out) {
  if (source == "-") {
    out->push_back({"-", TRY(ReadAll(0, 16 << 20).Context("standard input"))});
    return OkStatus();
  }
  if (source.starts_with("http://") || source.starts_with("https://")) {
    SpawnOptions fetch;
    fetch.argv = {images::HelperPath(), "fetch", source};
    out->push_back({source, TRY(RunChecked(fetch).Context(source))});
    return OkStatus();
  }
  if (!IsDirectory(source)) {
    out->push_back({source, TRY(ReadFile(source, 16 << 20))});
    return OkStatus();
  }
  size_t before = out->size();
  TRY(ReadDirectory(source, out, 0));
  if (out->size() == before) return Error(source + ": no *.yaml, *.yml or *.json below it");
  return OkStatus();
}

bool Colours() { return ::isatty(2) == 1 && std::getenv("NO_COLOR") == nullptr; }

void Print(const kube::Diagnostic& d) {
  const char* colour = d.severity == kube::Severity::kError     ? "\033[31m"
                       : d.severity == kube::Severity::kWarning ? "\033[33m"
                                                                : "\033[2m";
  bool colours = Colours();
  std::fprintf(stderr, "%s%s%s\n", colours ? colour : "", d.ToString().c_str(),
               colours ? "\033[0m" : "");
}

}  // namespace

Result<std::vector<kube::Object>> LoadSources(const std::vector<std::string>& sources,
                                              kube::Validate validate, const std::string& ns,
                                              bool ns_given, bool quiet) {
  std::vector<Text> texts;
  for (const std::string& s : sources) TRY(ReadSource(s, &texts));
  std::vector<kube::Object> objects;
  std::set<std::string> noted;
  int errors = 0;
  for (const Text& t : texts) {
    kube::LoadResult r = kube::Load(t.text, t.name, validate);
    for (const kube::Diagnostic& d : r.diagnostics) {
      bool error = d.severity == kube::Severity::kError;
      if (error) ++errors;
      bool repeated = d.severity == kube::Severity::kNote && !noted.insert(d.text).second;
      if (error || (!quiet && !repeated)) Print(d);
    }
    for (kube::Object& o : r.objects) {
      if (ns_given && o.ns == "default" && StringAt(At(o.json, "metadata"), "namespace").empty())
        o.ns = ns;
      objects.push_back(std::move(o));
    }
  }
  if (errors > 0)
    return Error(StrCat("nothing was changed: ", Plural(errors, "error"), " in the manifest"));
  return objects;
}

}  // namespace kpod::cmd
