#include "cmd/template_lexer.h"

#include <cctype>

#include "base/text.h"

namespace kpod::cmd {

namespace {

// The inside of one {{ }}, cut into tokens.
class Lexer {
 public:
  Lexer(std::string_view text, size_t column) : text_(text), column_(column) {}

  Result<std::vector<TemplateToken>> Run() {
    std::vector<TemplateToken> out;
    bool space = true;
    while (at_ < text_.size()) {
      if (kTemplateSpace.find(text_[at_]) != std::string_view::npos) {
        space = true;
        ++at_;
        continue;
      }
      TemplateToken t;
      t.column = column_ + at_;
      t.after_space = space;
      TRY(One(&t));
      space = false;
      out.push_back(std::move(t));
    }
    TemplateToken end;
    end.column = column_ + at_;
    out.push_back(end);
    return out;
  }

 private:
  std::string Name() {
    size_t begin = at_;
    while (at_ < text_.size() && IsTemplateName(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Status One(TemplateToken* t) {
    char c = text_[at_];
    if (c == '.' || c == '$') {
      ++at_;
      t->kind = c == '.' ? TemplateToken::Kind::kField : TemplateToken::Kind::kVariable;
      t->text = Name();
      return OkStatus();
    }
    if (c == '"' || c == '`' || c == '\'') return Quoted(c, t);
    bool negative = (c == '-' || c == '+') && at_ + 1 < text_.size() &&
                    std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
    if (negative || std::isdigit(static_cast<unsigned char>(c)) != 0) return Number(t);
    if (IsTemplateName(c)) {
      t->kind = TemplateToken::Kind::kWord;
      t->text = Name();
      return OkStatus();
    }
    t->kind = TemplateToken::Kind::kSign;
    t->text = text_.substr(at_, 2) == ":=" ? ":=" : std::string(1, c);
    if (std::string_view("()|,=").find(c) == std::string_view::npos && t->text != ":=") {
      return TemplateError(t->column, StrCat("unexpected ", Quote(std::string(1, c))));
    }
    at_ += t->text.size();
    return OkStatus();
  }

  Status Quoted(char quote, TemplateToken* t) {
    t->kind = TemplateToken::Kind::kLiteral;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == quote) {
        ++at_;
        t->literal = value;
        return OkStatus();
      }
      if (c != '\\' || quote == '`') {
        value += c;
        continue;
      }
      if (++at_ == text_.size()) break;
      switch (text_[at_]) {
        case 'n':
          value += '\n';
          break;
        case 't':
          value += '\t';
          break;
        case 'r':
          value += '\r';
          break;
        default:
          value += text_[at_];
      }
    }
    return TemplateError(t->column, "a string without its end");
  }

  Status Number(TemplateToken* t) {
    size_t begin = at_++;
    while (at_ < text_.size() && (IsTemplateName(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    if (word[0] == '+') word.remove_prefix(1);
    t->kind = TemplateToken::Kind::kLiteral;
    t->literal = Json::parse(word, nullptr, false);
    if (!t->literal.is_number())
      return TemplateError(t->column, StrCat(Quote(word), " is not a number"));
    return OkStatus();
  }

  std::string_view text_;
  size_t column_, at_ = 0;
};

}  // namespace

Result<std::vector<TemplateToken>> TemplateTokens(std::string_view text, size_t column) {
  return Lexer(text, column).Run();
}

bool IsTemplateName(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Error TemplateError(size_t column, const std::string& what) {
  return Error(StrCat("template: column ", column + 1, ": ", what));
}

}  // namespace kpod::cmd
