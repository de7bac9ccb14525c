// The part of Go's text/template (https://pkg.go.dev/text/template) that --format needs, over JSON:
// fields, pipelines, variables, if / else if / else, with, range, trim marks and comments, and the
// functions of Go, of podman (json, upper, lower, title, join, split, truncate, pad) and of kubectl
// (len, index). There is no define, template or block.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::cmd {

struct TemplateNode;

class Template {
 public:
  // Errors name what is wrong and the column, as "template: column 4: ...".
  static Result<Template> Parse(std::string_view text);

  // A field that `dot` itself does not have is an error that names those it has; deeper down it is
  // "<no value>", as a map's missing key is in Go.
  Result<std::string> Run(const Json& dot) const;

  // The fields that the actions outside of range and with print, in order: a table's header.
  std::vector<std::string> Fields() const;

 private:
  std::shared_ptr<const std::vector<TemplateNode>> nodes_;
};

// As Go's fmt prints a value with %v.
std::string GoText(const Json& value);

}  // namespace kpod::cmd
