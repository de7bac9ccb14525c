#include "kube/types.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::kube {
namespace {

bool Has(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool MatchesRequirement(const LabelSelectorRequirement& r, const StringMap& labels) {
  auto it = labels.find(r.key);
  bool present = it != labels.end();
  if (r.op == "Exists") return present;
  if (r.op == "DoesNotExist") return !present;
  if (r.op == "In") return present && Has(r.values, it->second);
  if (r.op == "NotIn") return !present || !Has(r.values, it->second);
  return false;  // an operator that does not exist selects nothing
}

// One term of the command line's form. A comma inside parentheses does not end it.
std::vector<std::string_view> Terms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      terms.push_back(Trim(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return terms;
}

bool IsKey(std::string_view s) {
  return !s.empty() && s.find_first_of(" \t\r\n!=()<>,") == std::string_view::npos;
}

// "KEY in (a,b)" and "KEY notin (a,b)"; the blank before the parenthesis may be missing.
Result<LabelSelectorRequirement> ParseSetTerm(std::string_view term) {
  Error bad(StrCat("unable to parse requirement: ", Quote(term)));
  size_t open = term.find('(');
  if (term.back() != ')') return bad;
  std::string_view head = Trim(term.substr(0, open));
  size_t blank = head.find_first_of(" \t");
  if (blank == std::string_view::npos) return bad;
  LabelSelectorRequirement r;
  r.key = std::string(head.substr(0, blank));
  std::string_view op = Trim(head.substr(blank));
  if (!IsKey(r.key) || (op != "in" && op != "notin")) return bad;
  r.op = op == "in" ? "In" : "NotIn";
  std::string_view inside = term.substr(open + 1, term.size() - open - 2);
  if (inside.find_first_of("()=!") != std::string_view::npos) return bad;
  for (std::string_view value : Terms(inside)) r.values.emplace_back(value);
  return r;
}

Result<LabelSelectorRequirement> ParseTerm(std::string_view term) {
  Error bad(StrCat("unable to parse requirement: ", Quote(term)));
  if (term.empty()) return bad;
  if (term.find('(') != std::string_view::npos) return ParseSetTerm(term);
  LabelSelectorRequirement r;
  if (term[0] == '!') {
    r.key = std::string(Trim(term.substr(1)));
    r.op = "DoesNotExist";
    if (!IsKey(r.key)) return bad;
    return r;
  }
  size_t equals = term.find('=');
  if (equals == std::string_view::npos) {
    r.key = std::string(term);
    r.op = "Exists";
    if (!IsKey(r.key)) return bad;
    return r;
  }
  bool negative = equals > 0 && term[equals - 1] == '!';
  r.key = std::string(Trim(term.substr(0, negative ? equals - 1 : equals)));
  r.op = negative ? "NotIn" : "In";
  std::string_view value = term.substr(equals + 1);
  if (!negative && !value.empty() && value[0] == '=') value.remove_prefix(1);  // "a==b"
  value = Trim(value);
  if (!IsKey(r.key) || (!value.empty() && !IsKey(value))) return bad;
  r.values.emplace_back(value);
  return r;
}

}  // namespace

bool LabelSelector::Matches(const StringMap& labels) const {
  for (const auto& [key, value] : match_labels) {
    auto it = labels.find(key);
    if (it == labels.end() || it->second != value) return false;
  }
  return std::all_of(match_expressions.begin(), match_expressions.end(),
                     [&](const auto& r) { return MatchesRequirement(r, labels); });
}

Result<LabelSelector> ParseSelector(std::string_view text) {
  LabelSelector selector;
  if (Trim(text).empty()) return selector;
  for (std::string_view term : Terms(text)) {
    selector.match_expressions.push_back(TRY(ParseTerm(term)));
  }
  return selector;
}

}  // namespace kpod::kube
