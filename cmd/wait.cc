// wait: until objects are as they shall be. The forms and words of kubectl wait.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <variant>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/asked.h"
#include "cmd/command.h"
#include "cmd/json_path.h"
#include "kube/kind_names.h"

namespace kpod::cmd {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

void WaitOptions(po::options_description_easy_init& add) {
  add("for", po::value<std::string>()->value_name("WHAT"),
      "condition=NAME[=VALUE], jsonpath=PATH[=VALUE], create or delete");
  add("timeout", po::value<std::string>()->default_value("30s")->value_name("TIME"),
      "how long, as 90s or 5m; 0: look once; negative: a week");
  add("all", po::bool_switch(), "all objects of the kind");
  add("selector,l", po::value<std::string>()->default_value("")->value_name("LABELS"),
      "those whose labels match");
  add("all-namespaces,A", po::bool_switch(), "with --all or --selector: of every namespace");
}

struct Created {};
struct Deleted {};
struct ConditionIs {
  std::string type, value;
};
struct PathLeads {
  JsonPath path;
  std::optional<std::string> value;
};
using Goal = std::variant<Created, Deleted, ConditionIs, PathLeads>;

std::string WithoutQuotes(std::string text) {
  bool quoted = text.size() > 1 && text.front() == text.back() &&
                (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// "{.status.phase}=Running", ".status.phase=Running"; an '=' within brackets is the path's own.
Result<Goal> ParsePath(const std::string& text) {
  size_t end = text.starts_with("{") ? text.rfind('}') : std::string::npos;
  size_t from = end == std::string::npos ? std::max(text.rfind(']') + 1, size_t{0}) : end + 1;
  size_t equals = text.find('=', from);
  PathLeads goal{TRY(JsonPath::Parse(text.substr(0, equals))), std::nullopt};
  if (equals == std::string::npos) return Goal(std::move(goal));
  goal.value = WithoutQuotes(text.substr(equals + 1));
  if (goal.value->empty()) return Error("--for jsonpath: which value? jsonpath=PATH=VALUE");
  return Goal(std::move(goal));
}

Result<Goal> ParseGoal(const std::string& text) {
  if (text == "create") return Goal(Created{});
  if (text == "delete") return Goal(Deleted{});
  size_t equals = text.find('=');
  std::string kind = text.substr(0, equals);
  std::string rest = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (kind == "jsonpath" && !rest.empty()) return ParsePath(rest);
  if (kind != "condition" || rest.empty()) {
    return Error(
        StrCat("--for ", text,
               ": wanted condition=NAME[=VALUE], jsonpath=PATH[=VALUE], create or delete"));
  }
  size_t value = rest.find('=');
  std::string is = value == std::string::npos ? "True" : rest.substr(value + 1);
  return Goal(ConditionIs{rest.substr(0, value), WithoutQuotes(is)});
}

// As Go prints it.
std::string Plain(const Json& j) { return j.is_string() ? j.get<std::string>() : Dump(j); }

Result<bool> IsMet(const Goal& goal, const Json& object) {
  if (const auto* condition = std::get_if<ConditionIs>(&goal)) {
    const Json& all = At(At(object, "status"), "conditions");
    return std::any_of(all.begin(), all.end(), [&](const Json& c) {
      return ToLower(StringAt(c, "type")) == ToLower(condition->type) &&
             ToLower(StringAt(c, "status")) == ToLower(condition->value);
    });
  }
  const auto* path = std::get_if<PathLeads>(&goal);
  if (path == nullptr) return std::holds_alternative<Created>(goal);
  std::vector<const Json*> found = path->path.Find(object);
  if (found.empty() || !path->value) return !found.empty();
  if (found.size() > 1) return Error("given jsonpath expression matches more than one value", 1);
  if (found[0]->is_structured())
    return Error("jsonpath leads to a nested object or list which is not supported", 1);
  return Plain(*found[0]) == *path->value;
}

struct Target {
  std::string kind, ns, name, uid;
  bool met = false;
};

// Nobody has to say "pod" here.
Result<std::vector<Asked>> AskedOf(const std::vector<std::string>& args) {
  bool pods = !args.empty() && !Contains(args[0], "/") && !Contains(args[0], ",") &&
              !kube::KindNamed(args[0]) && args[0] != "all";
  if (pods) return std::vector<Asked>{{"Pod", args}};
  return WhatIsAsked(args);
}

std::string UidOf(const Listed& item) { return StringAt(At(item.object, "metadata"), "uid"); }

// Of those that are to be made or to go, what is not there is no error.
Result<std::vector<Target>> TargetsOf(const Invocation& in, const Goal& goal) {
  std::vector<Target> out;
  bool may_miss = std::holds_alternative<Created>(goal) || std::holds_alternative<Deleted>(goal);
  bool many = in.Flag("all") || !in.Text("selector").empty();
  for (const Asked& a : TRY(AskedOf(in.args))) {
    if (a.names.empty() && !many)
      return Error("which of them? Names, --all or --selector are wanted", 1);
    std::vector<std::string> names = a.names;
    if (names.empty()) names.emplace_back();
    for (const std::string& name : names) {
      Asked one{a.kind, {}};
      if (!name.empty()) one.names = {name};
      Result<std::vector<Listed>> found = FindAsked(in, one);
      if (!found && (found.error().code() != ENOENT || !may_miss))
        return std::move(found.error()).WithExit(1);
      if (!found) {
        out.push_back({a.kind, in.ns, name, "", std::holds_alternative<Deleted>(goal)});
        continue;
      }
      for (const Listed& item : *found)
        out.push_back({a.kind, item.ns, item.name, UidOf(item), false});
    }
  }
  if (out.empty() && !std::holds_alternative<Deleted>(goal))
    return Error("no matching resources found", 1);
  return out;
}

Result<bool> LooksMet(const Invocation& in, const Goal& goal, const Target& t) {
  // One that has its name by now and is another was made after it went.
  for (const Listed& item : TRY(ListObjects(in.paths, t.ns, t.kind))) {
    if (item.name != t.name) continue;
    if (std::holds_alternative<Deleted>(goal)) return UidOf(item) != t.uid;
    return IsMet(goal, item.object);
  }
  return std::holds_alternative<Deleted>(goal);
}

Result<int64_t> TimeoutOf(const Invocation& in) {
  std::string text = in.Text("timeout");
  if (text.starts_with("-")) return 7 * 24 * 3600 * kSecond;
  if (text == "0") return 0;
  std::optional<int64_t> timeout = ParseDuration(text);
  if (!timeout) return Error(StrCat("--timeout ", text, ": wanted a time, as 90s or 5m"));
  return *timeout;
}

Result<int> Wait(Invocation& in) {
  if (in.args.empty()) return Error("for what? kpod wait POD | KIND/NAME --for ...");
  if (!in.Has("for")) return Error("--for is wanted, as --for condition=Ready");
  Goal goal = TRY(ParseGoal(in.Text("for")));
  int64_t deadline = MonotonicNanos() + TRY(TimeoutOf(in));
  std::vector<Target> targets = TRY(TargetsOf(in, goal));
  for (bool last = false;; ::usleep(50'000)) {
    last = MonotonicNanos() >= deadline;
    for (Target& t : targets) {
      if (t.met) continue;
      t.met = TRY(LooksMet(in, goal, t));
      if (!t.met) continue;
      std::printf("%s/%s condition met\n", kube::ResourceName(t.kind).c_str(), t.name.c_str());
      std::fflush(stdout);
    }
    std::vector<std::string> waits;
    for (const Target& t : targets) {
      if (!t.met) waits.push_back(StrCat(PluralOf(t.kind), "/", t.name));
    }
    if (waits.empty()) return 0;
    if (last) return Error("timed out waiting for the condition on " + Join(waits, ", "), 1);
  }
}

}  // namespace

void AddWaitCommand(std::vector<Command>* out) {
  out->push_back({{"wait"},
                  {},
                  "POD... | KIND/NAME... | KIND NAME...",
                  "Wait until objects are as they shall be",
                  "The exit code is 1 when the time is over.\n\nExamples:\n"
                  "  kpod wait web --for condition=Ready\n"
                  "  kpod wait deployment/web --for condition=Available --timeout 2m\n"
                  "  kpod wait pod --all --for jsonpath='{.status.phase}'=Running\n"
                  "  kpod wait pod/web --for delete",
                  WaitOptions,
                  Wait});
}

}  // namespace kpod::cmd
