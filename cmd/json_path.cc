#include "cmd/json_path.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::cmd {

class JsonPathParser {
 public:
  using Step = JsonPath::Step;
  explicit JsonPathParser(std::string_view text) : rest_(text) {}

  Result<std::vector<Step>> Steps() {
    std::vector<Step> out;
    while (!rest_.empty()) {
      if (rest_[0] == '.') {
        rest_.remove_prefix(1);
        if (rest_.starts_with("[")) continue;  // ".[0]"
        out.push_back(TRY(Field()));
      } else if (rest_[0] == '[') {
        out.push_back(TRY(Bracket()));
      } else if (out.empty()) {
        out.push_back(TRY(Field()));  // "status.phase"
      } else {
        return Wrong("a '.' or '['");
      }
    }
    return out;
  }

 private:
  Error Wrong(std::string_view wanted) {
    return Error(StrCat("jsonpath: wanted ", wanted, " at ", Quote(rest_.substr(0, 20))));
  }

  Result<Step> Field() {
    Step step;
    size_t i = 0;
    for (; i < rest_.size() && rest_[i] != '.' && rest_[i] != '['; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      step.name.push_back(rest_[i]);
    }
    if (step.name.empty()) return Wrong("a name");
    if (step.name == "*") step.kind = Step::Kind::kAll;
    rest_.remove_prefix(i);
    return step;
  }

  // The text in quotes at the front.
  Result<std::string> Quoted() {
    size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return Wrong("the end of a text in quotes");
    std::string out(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return out;
  }
  bool AtQuote() const { return rest_.starts_with("'") || rest_.starts_with("\""); }

  Result<Step> Bracket() {
    rest_.remove_prefix(1);
    Step step;
    if (rest_.starts_with("?(")) {
      step = TRY(Filter());
    } else if (AtQuote()) {
      step.name = TRY(Quoted());
    } else {
      size_t end = rest_.find(']');
      if (end == std::string_view::npos) return Wrong("a ']'");
      std::string_view inside = rest_.substr(0, end);
      std::optional<int64_t> index = ParseInt(inside);
      if (inside != "*" && !index) return Wrong("an index");
      step.kind = index ? Step::Kind::kIndex : Step::Kind::kAll;
      step.index = index.value_or(0);
      rest_.remove_prefix(end);
    }
    if (!rest_.starts_with("]")) return Wrong("a ']'");
    rest_.remove_prefix(1);
    return step;
  }

  Result<Step> Filter() {
    Step step;
    step.kind = Step::Kind::kFilter;
    rest_.remove_prefix(2);
    if (!rest_.starts_with("@")) return Wrong("an '@'");
    rest_.remove_prefix(1);
    size_t end = std::min(rest_.find_first_of("=!) "), rest_.size());
    step.inner = TRY(JsonPathParser(rest_.substr(0, end)).Steps());
    rest_.remove_prefix(end);
    SkipBlanks();
    if (rest_.starts_with("==") || rest_.starts_with("!=")) {
      step.compare = std::string(rest_.substr(0, 2));
      rest_.remove_prefix(2);
      SkipBlanks();
      step.value = TRY(Value());
      SkipBlanks();
    }
    if (!rest_.starts_with(")")) return Wrong("a ')'");
    rest_.remove_prefix(1);
    return step;
  }

  Result<Json> Value() {
    if (AtQuote()) return Json(TRY(Quoted()));
    size_t end = std::min(rest_.find(')'), rest_.size());
    std::string_view word = Trim(rest_.substr(0, end));
    std::optional<int64_t> number = ParseInt(word);
    if (!number && word != "true" && word != "false") return Wrong("a value");
    rest_.remove_prefix(end);
    return number ? Json(*number) : Json(word == "true");
  }

  void SkipBlanks() {
    while (rest_.starts_with(" ")) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

Result<JsonPath> JsonPath::Parse(std::string_view text) {
  text = Trim(text);
  if (text.starts_with("{")) {
    if (!text.ends_with("}")) return Error("jsonpath: a '{' without its '}'");
    text = text.substr(1, text.size() - 2);
  }
  if (text.starts_with("$")) text.remove_prefix(1);
  if (text.empty()) return Error("jsonpath: it leads nowhere");
  JsonPath path;
  path.steps_ = TRY(JsonPathParser(text).Steps());
  return path;
}

bool JsonPath::Keeps(const Step& filter, const Json& element) {
  std::vector<const Json*> found = Follow(filter.inner, element);
  if (filter.compare.empty()) return !found.empty();
  bool same = found.size() == 1 && *found[0] == filter.value;
  return same == (filter.compare == "==");
}

std::vector<const Json*> JsonPath::Follow(const std::vector<Step>& steps, const Json& root) {
  std::vector<const Json*> at = {&root};
  for (const Step& step : steps) {
    std::vector<const Json*> next;
    for (const Json* j : at) {
      if (step.kind == Step::Kind::kField) {
        auto member = j->is_object() ? j->find(step.name) : j->end();
        if (member != j->end()) next.push_back(&*member);
      } else if (step.kind == Step::Kind::kIndex) {
        int64_t size = j->is_array() ? static_cast<int64_t>(j->size()) : 0;
        int64_t index = step.index < 0 ? size + step.index : step.index;
        if (index >= 0 && index < size) next.push_back(&(*j)[static_cast<size_t>(index)]);
      } else if (j->is_structured()) {
        for (const Json& element : *j) {
          if (step.kind == Step::Kind::kAll || Keeps(step, element)) next.push_back(&element);
        }
      }
    }
    at = std::move(next);
  }
  return at;
}

std::vector<const Json*> JsonPath::Find(const Json& root) const { return Follow(steps_, root); }

}  // namespace kpod::cmd
