#include "cmd/select.h"

#include <algorithm>

#include "base/text.h"
#include "kube/types.h"

namespace kpod::cmd {

namespace {

bool IsOneOf(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), ToLower(word)) != words.end();
}

Error NotFound(const Invocation& in, const std::string& kind, const std::string& name) {
  std::vector<std::string> known;
  if (Result<std::vector<pods::PodRecord>> all = pods::ListPods(in.paths)) {
    for (const pods::PodRecord& p : *all) {
      if (p.plan.ns != in.ns) continue;
      if (kind == "pod") known.push_back(p.plan.name);
      if (kind == ToLower(p.plan.owner_kind)) known.push_back(p.plan.owner_name);
    }
  }
  std::string guess = DidYouMean(name, known);
  std::string words = StrCat(kind, " ", Quote(name), " not found");
  if (!guess.empty()) words += StrCat(": did you mean ", Quote(guess), "?");
  return Error(words).WithCode(ENOENT);
}

}  // namespace

Result<std::vector<pods::PodRecord>> PodsByName(const Invocation& in, const std::string& word) {
  size_t slash = word.find('/');
  std::string kind = slash == std::string::npos ? "" : word.substr(0, slash);
  std::string name = slash == std::string::npos ? word : word.substr(slash + 1);
  std::vector<pods::PodRecord> out;
  if (IsOneOf(kind, {"deployment", "deployments", "deploy", "deployment.apps"})) {
    for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
      bool owned = p.plan.owner_kind == "Deployment" && p.plan.owner_name == name;
      if (owned && p.plan.ns == in.ns) out.push_back(std::move(p));
    }
    if (out.empty()) return NotFound(in, "deployment", name);
    return out;
  }
  bool plain = IsOneOf(kind, {"pod", "pods", "po"});
  Result<pods::PodRecord> pod = pods::FindPod(in.paths, in.ns, plain ? name : word);
  if (!pod && pod.error().code() == ENOENT) return NotFound(in, "pod", plain ? name : word);
  out.push_back(TRY(std::move(pod)));
  return out;
}

Result<pods::PodRecord> PodByName(const Invocation& in, const std::string& word) {
  return std::move(TRY(PodsByName(in, word)).front());
}

Result<std::vector<pods::PodRecord>> SelectPods(const Invocation& in) {
  std::vector<pods::PodRecord> out;
  if (!in.args.empty()) {
    for (const std::string& word : in.args) {
      for (pods::PodRecord& p : TRY(PodsByName(in, word))) out.push_back(std::move(p));
    }
    return out;
  }
  std::string selector = in.Text("selector");
  if (!in.Flag("all") && selector.empty())
    return Error("which pod? Name it, or use --all or --selector");
  kube::LabelSelector labels = TRY(kube::ParseSelector(selector));
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool here = in.Flag("all") ? !in.Has("namespace") || p.plan.ns == in.ns : p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
}

}  // namespace kpod::cmd
