// The expressions of kubectl's JSONPath that lead to values:
// "{.status.conditions[?(@.type=="Ready")] .status}", with or without the braces. Fields (".name",
// "['name']", a backslash before a dot of a name), indices (negative ones from the end), "[*]", and
// filters that compare a value of the element with a text, a number or a truth value.
// https://kubernetes.io/docs/reference/kubectl/jsonpath
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::cmd {

class JsonPath {
 public:
  static Result<JsonPath> Parse(std::string_view text);
  // What it leads to; none where a step does not lead on.
  std::vector<const Json*> Find(const Json& root) const;

 private:
  struct Step {
    enum class Kind { kField, kIndex, kAll, kFilter } kind = Kind::kField;
    std::string name;
    int64_t index = 0;
    std::vector<Step> inner;  // of a filter: from the element
    std::string compare;      // "==", "!=", "": it is there
    Json value;
  };
  friend class JsonPathParser;
  static std::vector<const Json*> Follow(const std::vector<Step>& steps, const Json& root);
  static bool Keeps(const Step& filter, const Json& element);

  std::vector<Step> steps_;
};

}  // namespace kpod::cmd
