#include "cmd/select.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "kube/types.h"

namespace kpod::cmd {

namespace {

using Records = std::vector<pods::PodRecord>;

bool IsOneOf(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), ToLower(word)) != words.end();
}

// What the person may have meant: it is in another namespace, it is a Deployment, it is misspelled.
std::string Hint(const Invocation& in, const std::string& kind, const std::string& name,
                 const Records& all) {
  std::vector<std::string> elsewhere, known;
  for (const pods::PodRecord& p : all) {
    bool here = p.plan.ns == in.ns;
    if (kind == "pod" && p.plan.name == name && !here) elsewhere.push_back(NameOf(p));
    if (!here) continue;
    if (kind == "pod" && p.plan.owner_name == name)
      return StrCat(": did you mean ", ToLower(p.plan.owner_kind), "/", name, "?");
    known.push_back(kind == "pod" ? p.plan.name : p.plan.owner_name);
  }
  if (elsewhere.size() == 1)
    return StrCat(" in namespace ", in.ns, ": did you mean ", elsewhere[0], "?");
  if (!elsewhere.empty())
    return StrCat(" in namespace ", in.ns, ": there are ", Join(elsewhere, ", "));
  std::string guess = DidYouMean(name, known);
  return guess.empty() ? "" : StrCat(": did you mean ", Quote(guess), "?");
}

Error NotFound(const Invocation& in, const std::string& kind, const std::string& name) {
  std::string words = StrCat(kind, " ", Quote(name), " not found");
  if (Result<Records> all = pods::ListPods(in.paths)) words += Hint(in, kind, name, *all);
  return Error(words).WithCode(ENOENT);
}

}  // namespace

std::string NameOf(const pods::PodRecord& p) {
  return p.plan.ns == "default" ? p.plan.name : StrCat(p.plan.ns, "/", p.plan.name);
}

Result<Records> PodsByName(const Invocation& in, const std::string& word) {
  size_t slash = word.find('/');
  std::string kind = slash == std::string::npos ? "" : word.substr(0, slash);
  std::string name = slash == std::string::npos ? word : word.substr(slash + 1);
  Records out;
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
  pods::PodRecord pod = std::move(TRY(PodsByName(in, word)).front());
  if (!pod.plan_damage.empty()) return Error(pod.plan_damage);
  return pod;
}

namespace {

Result<Records> Named(const Invocation& in) {
  Records out;
  for (const std::string& word : in.args) {
    for (pods::PodRecord& p : TRY(PodsByName(in, word))) {
      bool known = std::any_of(out.begin(), out.end(),
                               [&](const auto& o) { return o.plan.Id() == p.plan.Id(); });
      if (!known) out.push_back(std::move(p));
    }
  }
  return out;
}

}  // namespace

Result<Records> SelectPods(const Invocation& in) {
  std::string selector = in.Text("selector");
  if (!in.args.empty()) {
    if (in.Flag("all") || !selector.empty())
      return Error("either name pods, or use --all or --selector");
    return Named(in);
  }
  if (!in.Flag("all") && selector.empty())
    return Error("which pod? Name it, or use --all or --selector");
  kube::LabelSelector labels = TRY(kube::ParseSelector(selector));
  bool everywhere = in.Flag("all-namespaces") || (in.Flag("all") && !in.Has("namespace"));
  Records out;
  for (pods::PodRecord& p : TRY(pods::ListPods(in.paths))) {
    bool here = everywhere || p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
}

Result<std::string> ContainerOf(const pods::PodRecord& pod, const std::string& word) {
  if (!pod.plan_damage.empty()) return Error(pod.plan_damage);
  const std::vector<pods::ContainerPlan>& containers = pod.plan.containers;
  auto has = [&](const std::string& name) {
    auto is = [&](const pods::ContainerPlan& c) { return c.name == name; };
    return std::any_of(containers.begin(), containers.end(), is) ||
           std::any_of(pod.plan.init_containers.begin(), pod.plan.init_containers.end(), is) ||
           std::any_of(pod.status.ephemeral_containers.begin(),
                       pod.status.ephemeral_containers.end(),
                       [&](const pods::ContainerStatus& c) { return c.name == name; });
  };
  if (!word.empty()) {
    if (has(word)) return word;
    std::vector<std::string> names;
    for (const pods::ContainerPlan& c : containers) names.push_back(c.name);
    return Error(StrCat("container ", word, " is not valid for pod ", pod.plan.name, ": it has ",
                        Join(names, ", ")));
  }
  auto chosen = pod.plan.annotations.find("kubectl.kubernetes.io/default-container");
  if (chosen != pod.plan.annotations.end() && has(chosen->second)) return chosen->second;
  if (containers.empty()) return Error(StrCat("pod ", pod.plan.name, " has no container"));
  if (containers.size() > 1 && ::isatty(2) == 1) {
    std::vector<std::string> names;
    for (const pods::ContainerPlan& c : containers) names.push_back(c.name);
    std::fprintf(stderr, "Defaulted container \"%s\" out of: %s\n", names[0].c_str(),
                 Join(names, ", ").c_str());
  }
  return containers[0].name;
}

void ListOptions(po::options_description_easy_init& add) {
  add("all-namespaces,A", po::bool_switch(), "pods of every namespace (the default)");
  add("selector,l", po::value<std::string>()->value_name("LABELS"), "pods whose labels match");
  add("filter,f", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "only those that fit; of several with one key any, of labels all");
}

Result<Filter> Filter::Parse(const std::vector<std::string>& words,
                             const std::vector<std::string>& keys) {
  Filter out;
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    std::string key = ToLower(word.substr(0, equals));
    bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (equals == std::string::npos || !known) {
      return Error(
          StrCat("--filter ", Quote(word), ": wanted KEY=VALUE with one of ", Join(keys, ", ")));
    }
    out.wanted_.emplace_back(key, word.substr(equals + 1));
  }
  return out;
}

bool Filter::Matches(const std::vector<std::pair<std::string, std::string>>& row) const {
  auto fits = [](const std::string& key, const std::string& value, const std::string& wanted) {
    if (key == "name" || key == "image") return Contains(value, wanted);
    if (key == "label") {
      return value == wanted || (!Contains(wanted, "=") && value.starts_with(wanted + "="));
    }
    return ToLower(value) == ToLower(wanted);
  };
  auto has = [&](const std::string& key, const std::string& wanted) {
    return std::any_of(row.begin(), row.end(), [&](const auto& cell) {
      return cell.first == key && fits(key, cell.second, wanted);
    });
  };
  return std::all_of(wanted_.begin(), wanted_.end(), [&](const auto& w) {
    if (w.first == "label") return has(w.first, w.second);
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& other) {
      return other.first == w.first && has(other.first, other.second);
    });
  });
}

Result<Records> PodsToList(const Invocation& in) {
  kube::LabelSelector labels = TRY(kube::ParseSelector(in.Text("selector")));
  bool everywhere = in.Flag("all-namespaces") || !in.Has("namespace");
  Records out;
  Records all = in.args.empty() ? TRY(pods::ListPods(in.paths)) : TRY(Named(in));
  for (pods::PodRecord& p : all) {
    bool here = !in.args.empty() || everywhere || p.plan.ns == in.ns;
    if (here && labels.Matches(p.plan.labels)) out.push_back(std::move(p));
  }
  return out;
}

}  // namespace kpod::cmd
