// The inside of one {{ }} of a template, cut into tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::cmd {

inline constexpr std::string_view kTemplateSpace = " \t\r\n";

struct TemplateToken {
  enum class Kind { kEnd, kWord, kField, kVariable, kLiteral, kSign };
  Kind kind = Kind::kEnd;
  std::string text;  // a word, a field's or variable's name, a sign
  Json literal;
  bool after_space = true;  // ".a .b" are two operands, ".a.b" is one
  size_t column = 0;
};

// `column` is where `text` begins in the template. The last token is kEnd.
Result<std::vector<TemplateToken>> TemplateTokens(std::string_view text, size_t column);

bool IsTemplateName(char c);  // of which words and names are made
// "template: column 4: WHAT" for column 3, which counts from 0.
Error TemplateError(size_t column, const std::string& what);

}  // namespace kpod::cmd
