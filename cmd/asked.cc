#include "cmd/asked.h"

#include <algorithm>

#include "base/text.h"
#include "kube/kind_names.h"
#include "kube/schema.h"
#include "kube/types.h"

namespace kpod::cmd {

namespace {

constexpr const char* kAll[] = {
    "Pod",         "ReplicationController",   "Service", "DaemonSet", "Deployment", "ReplicaSet",
    "StatefulSet", "HorizontalPodAutoscaler", "CronJob", "Job"};

Result<std::string> KindOf(const std::string& word) {
  std::optional<std::string> kind = kube::KindNamed(word);
  if (!kind) return Error(StrCat("there is no kind ", Quote(word)));
  return *kind;
}

}  // namespace

std::string PluralOf(const std::string& kind) {
  std::string name = kube::ResourceName(kind);
  size_t dot = name.find('.');
  std::string group = dot == std::string::npos ? "" : name.substr(dot);
  name.resize(std::min(dot, name.size()));
  bool is_plural = name == "endpoints";
  return StrCat(name, is_plural ? "" : name.ends_with('s') ? "es" : "s", group);
}

Result<std::vector<Asked>> WhatIsAsked(const std::vector<std::string>& args) {
  if (args.empty()) return Error("which kind? As in: kpod get services");
  std::vector<Asked> out;
  if (Contains(args[0], "/")) {
    for (const std::string& word : args) {
      size_t slash = word.find('/');
      if (slash == std::string::npos)
        return Error(StrCat(Quote(word), ": after KIND/NAME all have to be so"));
      std::string kind = TRY(KindOf(word.substr(0, slash)));
      auto same =
          std::find_if(out.begin(), out.end(), [&](const Asked& a) { return a.kind == kind; });
      if (same == out.end()) same = out.insert(out.end(), {kind, {}});
      same->names.push_back(word.substr(slash + 1));
    }
    return out;
  }
  std::vector<std::string> names(args.begin() + 1, args.end());
  for (const std::string& word : Split(args[0], ',')) {
    if (word == "all") {
      for (const char* kind : kAll) out.push_back({kind, names});
    } else {
      out.push_back({TRY(KindOf(word)), names});
    }
  }
  return out;
}

bool IsNamespaced(const std::string& kind) {
  const std::vector<kube::KindInfo>& all = kube::AllKinds();
  auto it =
      std::find_if(all.begin(), all.end(), [&](const kube::KindInfo& k) { return k.kind == kind; });
  return it == all.end() || it->namespaced;
}

Result<std::vector<Listed>> FindAsked(const Invocation& in, const Asked& asked) {
  bool everywhere = in.Flag("all-namespaces") || !IsNamespaced(asked.kind);
  std::vector<Listed> all = TRY(ListObjects(in.paths, everywhere ? "" : in.ns, asked.kind));
  kube::LabelSelector selector = TRY(kube::ParseSelector(in.Text("selector")));
  std::erase_if(all, [&](const Listed& item) {
    kube::StringMap labels;
    const Json& written = At(At(item.object, "metadata"), "labels");
    if (written.is_object()) {
      for (const auto& [key, value] : written.items()) {
        if (value.is_string()) labels[key] = value.get<std::string>();
      }
    }
    return !selector.Matches(labels);
  });
  if (asked.names.empty()) return all;
  std::vector<Listed> out;
  for (const std::string& name : asked.names) {
    auto it = std::find_if(all.begin(), all.end(), [&](const Listed& i) { return i.name == name; });
    if (it == all.end())
      return Error(StrCat(PluralOf(asked.kind), " ", Quote(name), " not found")).WithCode(ENOENT);
    out.push_back(*it);
  }
  return out;
}

}  // namespace kpod::cmd
