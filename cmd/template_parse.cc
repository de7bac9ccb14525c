#include "base/text.h"
#include "cmd/template_lexer.h"
#include "cmd/template_node.h"

namespace kpod::cmd {

namespace {

constexpr int kDeepest = 64;  // parentheses and blocks: a template comes from a command line

using Token = TemplateToken;

class PipelineParser {
 public:
  explicit PipelineParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<TemplatePipeline> Run() {
    TemplatePipeline p = TRY(Pipeline(0));
    if (Now().kind != Token::Kind::kEnd)
      return TemplateError(Now().column, "unexpected " + Name(Now()));
    return p;
  }

 private:
  const Token& Now() const { return tokens_[at_]; }
  bool IsSign(const char* sign) const {
    return Now().kind == Token::Kind::kSign && Now().text == sign;
  }
  static std::string Name(const Token& t) {
    return t.kind == Token::Kind::kEnd ? std::string("}}") : Quote(t.text);
  }

  // "$a :=", "$a =", "$i, $e :="
  void Variables(TemplatePipeline* p) {
    std::vector<std::string> names;
    size_t i = at_;
    while (tokens_[i].kind == Token::Kind::kVariable) {
      names.push_back(tokens_[i].text);
      ++i;
      bool sign = tokens_[i].kind == Token::Kind::kSign;
      if (sign && tokens_[i].text == "," && names.size() == 1) {
        ++i;
        continue;
      }
      if (sign && (tokens_[i].text == ":=" || tokens_[i].text == "=")) {
        p->variables = names;
        p->declares = tokens_[i].text == ":=";
        at_ = i + 1;
      }
      return;
    }
  }

  Result<TemplatePipeline> Pipeline(int depth) {
    if (depth > kDeepest) return TemplateError(Now().column, "too many parentheses");
    TemplatePipeline p;
    Variables(&p);
    for (;;) {
      TemplateCommand command;
      while (Now().kind != Token::Kind::kEnd && !IsSign("|") && !IsSign(")")) {
        command.push_back(TRY(Operand(depth)));
      }
      if (command.empty())
        return TemplateError(Now().column, "a value is missing before " + Name(Now()));
      if (command.size() > 1 && command[0].kind != TemplateOperand::Kind::kFunction) {
        return TemplateError(Now().column, "only a function takes arguments");
      }
      p.commands.push_back(std::move(command));
      if (!IsSign("|")) return p;
      ++at_;
    }
  }

  Result<TemplateOperand> Operand(int depth) {
    const Token t = Now();
    ++at_;
    TemplateOperand o;
    switch (t.kind) {
      case Token::Kind::kField:
        if (!t.text.empty()) o.fields.push_back(t.text);
        break;
      case Token::Kind::kVariable:
        o.kind = TemplateOperand::Kind::kVariable;
        o.name = t.text;
        break;
      case Token::Kind::kLiteral:
        o.kind = TemplateOperand::Kind::kLiteral;
        o.literal = t.literal;
        return o;
      case Token::Kind::kWord:
        TRY(Word(t, &o));
        return o;
      default:
        if (t.text != "(") return TemplateError(t.column, "unexpected " + Name(t));
        o.kind = TemplateOperand::Kind::kPipeline;
        o.pipeline = std::make_shared<TemplatePipeline>(TRY(Pipeline(depth + 1)));
        if (!IsSign(")")) return TemplateError(Now().column, "a ) is missing");
        ++at_;
    }
    while (Now().kind == Token::Kind::kField && !Now().after_space && !Now().text.empty()) {
      o.fields.push_back(Now().text);
      ++at_;
    }
    return o;
  }

  static Status Word(const Token& t, TemplateOperand* o) {
    if (t.text == "true" || t.text == "false" || t.text == "nil") {
      o->kind = TemplateOperand::Kind::kLiteral;
      if (t.text != "nil") o->literal = t.text == "true";
      return OkStatus();
    }
    o->kind = TemplateOperand::Kind::kFunction;
    o->name = t.text;
    if (IsTemplateFunction(t.text)) return OkStatus();
    std::string guess = DidYouMean(t.text, TemplateFunctions());
    return TemplateError(t.column,
                         StrCat("function ", Quote(t.text), " is not defined",
                                guess.empty() ? "" : StrCat(": did you mean ", guess, "?")));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

Result<TemplatePipeline> ParsePipeline(std::string_view code, size_t column) {
  std::vector<Token> tokens = TRY(TemplateTokens(code, column));
  return PipelineParser(std::move(tokens)).Run();
}

// Text and actions, as blocks of one another.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<TemplateNode>> Run() {
    std::vector<TemplateNode> nodes;
    End end = TRY(Block(0, &nodes));
    if (end.word != "") return TemplateError(end.column, StrCat("unexpected {{", end.word, "}}"));
    return nodes;
  }

 private:
  struct End {
    std::string word;  // "end", "else", or "" at the end of the text
    std::string rest;  // of else: "if ..." or "with ..."
    size_t column = 0;
  };

  static bool IsTrim(std::string_view inside, bool front) {
    if (inside.size() < 2) return false;
    return front ? inside[0] == '-' && kTemplateSpace.find(inside[1]) != std::string_view::npos
                 : inside.back() == '-' &&
                       kTemplateSpace.find(inside[inside.size() - 2]) != std::string_view::npos;
  }

  // The }} that is not inside of a string.
  size_t Close(size_t from) const {
    char quote = 0;
    for (size_t i = from; i < text_.size(); ++i) {
      char c = text_[i];
      if (quote != 0) {
        if (c == '\\' && quote != '`') ++i;
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '`' || c == '\'') {
        quote = c;
      } else if (text_.substr(i, 2) == "}}") {
        return i;
      }
    }
    return std::string_view::npos;
  }

  void AddText(std::string_view text, std::vector<TemplateNode>* out) {
    if (text.empty()) return;
    TemplateNode node;
    node.text = text;
    out->push_back(std::move(node));
  }

  Result<End> Block(int depth, std::vector<TemplateNode>* out) {
    if (depth > kDeepest) return TemplateError(at_, "too many blocks in one another");
    for (;;) {
      size_t open = text_.find("{{", at_);
      std::string_view before = text_.substr(at_, open - at_);
      if (trim_next_)
        before.remove_prefix(std::min(before.find_first_not_of(kTemplateSpace), before.size()));
      trim_next_ = false;
      if (open == std::string_view::npos) {
        AddText(before, out);
        at_ = text_.size();
        return End{};
      }
      bool comment = text_.substr(open + 2, 2) == "/*" || text_.substr(open + 2, 4) == "- /*";
      size_t close = comment ? text_.find("*/", open) : Close(open + 2);
      if (comment && close != std::string_view::npos) close = text_.find("}}", close);
      if (close == std::string_view::npos) return TemplateError(open, "{{ without }}");
      std::string_view inside = text_.substr(open + 2, close - open - 2);
      if (IsTrim(inside, true)) {
        before = before.substr(0, before.find_last_not_of(kTemplateSpace) + 1);
        inside.remove_prefix(1);
      }
      if (IsTrim(inside, false)) {
        trim_next_ = true;
        inside.remove_suffix(1);
      }
      AddText(before, out);
      at_ = close + 2;
      if (comment) continue;
      End end = TRY(Action(inside, static_cast<size_t>(inside.data() - text_.data()), depth, out));
      if (!end.word.empty()) return end;
    }
  }

  // One action; the end of the block that it closes.
  Result<End> Action(std::string_view inside, size_t column, int depth,
                     std::vector<TemplateNode>* out) {
    std::string_view trimmed = Trim(inside);
    size_t length = 0;
    while (length < trimmed.size() && IsTemplateName(trimmed[length])) ++length;
    std::string word(trimmed.substr(0, length));
    std::string_view rest = trimmed.substr(length);
    if (word == "end" || word == "else") {
      if (word == "end" && !Trim(rest).empty())
        return TemplateError(column, "{{end}} takes nothing");
      return End{word, std::string(Trim(rest)), column};
    }
    TemplateNode node;
    node.kind = word == "if"      ? TemplateNode::Kind::kIf
                : word == "with"  ? TemplateNode::Kind::kWith
                : word == "range" ? TemplateNode::Kind::kRange
                                  : TemplateNode::Kind::kAction;
    bool block = node.kind != TemplateNode::Kind::kAction;
    std::string_view code = block ? rest : inside;
    size_t where = static_cast<size_t>(code.data() - inside.data()) + column;
    node.pipeline = TRY(ParsePipeline(code, where));
    if (block) TRY(Body(column, depth, &node));
    out->push_back(std::move(node));
    return End{};
  }

  Status Body(size_t column, int depth, TemplateNode* node) {
    if (depth > kDeepest) return TemplateError(column, "too many blocks in one another");
    End end = TRY(Block(depth + 1, &node->body));
    if (end.word == "else" && end.rest.empty()) {
      end = TRY(Block(depth + 1, &node->otherwise));
      if (end.word == "else") return TemplateError(end.column, "a second {{else}}");
    } else if (end.word == "else") {
      // {{else if X}} is an if inside of the else, closed by the same end.
      TemplateNode inner;
      bool is_if = end.rest.starts_with("if ");
      if (!is_if && !end.rest.starts_with("with ")) {
        return TemplateError(end.column, "{{else}} takes nothing, if or with");
      }
      inner.kind = is_if ? TemplateNode::Kind::kIf : TemplateNode::Kind::kWith;
      std::string code = end.rest.substr(is_if ? 2 : 4);
      inner.pipeline = TRY(ParsePipeline(code, end.column));
      TRY(Body(column, depth + 1, &inner));
      node->otherwise.push_back(std::move(inner));
      return OkStatus();
    }
    if (end.word.empty()) return TemplateError(column, "an {{end}} is missing");
    return OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  bool trim_next_ = false;
};

}  // namespace

Result<std::vector<TemplateNode>> ParseTemplate(std::string_view text) {
  return Parser(text).Run();
}

}  // namespace kpod::cmd
