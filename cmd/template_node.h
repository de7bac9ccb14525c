// What a template is between Parse and Run.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::cmd {

struct TemplatePipeline;

// What a command is made of: a value to begin with, and the fields that are followed from it.
struct TemplateOperand {
  enum class Kind { kDot, kVariable, kLiteral, kFunction, kPipeline };
  Kind kind = Kind::kDot;
  std::string name;  // of the variable ("" for "$") or of the function
  Json literal;
  std::shared_ptr<TemplatePipeline> pipeline;
  std::vector<std::string> fields;
};

using TemplateCommand = std::vector<TemplateOperand>;

struct TemplatePipeline {
  std::vector<std::string> variables;  // "$i, $e :=", without "$"
  bool declares = false;               // := and not =
  std::vector<TemplateCommand> commands;
};

struct TemplateNode {
  enum class Kind { kText, kAction, kIf, kWith, kRange };
  Kind kind = Kind::kText;
  std::string text;
  TemplatePipeline pipeline;
  std::vector<TemplateNode> body, otherwise;
};

Result<std::vector<TemplateNode>> ParseTemplate(std::string_view text);

bool IsTemplateFunction(std::string_view name);
std::vector<std::string> TemplateFunctions();
// and, or and not are evaluated as any other: their arguments have no effects.
Result<Json> CallTemplateFunction(const std::string& name, const std::vector<Json>& args);
bool TemplateTruth(const Json& value);

}  // namespace kpod::cmd
