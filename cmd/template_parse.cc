#include <cctype>

#include "base/text.h"
#include "cmd/template_node.h"

namespace kpod::cmd {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr int kDeepest = 64;  // parentheses and blocks: a template comes from a command line

struct Token {
  enum class Kind { kEnd, kWord, kField, kVariable, kLiteral, kSign };
  Kind kind = Kind::kEnd;
  std::string text;  // a word, a field's or variable's name, a sign
  Json literal;
  bool after_space = true;  // ".a .b" are two operands, ".a.b" is one
  size_t column = 0;
};

Error At(size_t column, const std::string& what) {
  return Error(StrCat("template: column ", column + 1, ": ", what));
}

bool IsName(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The inside of one {{ }}, cut into tokens.
class Lexer {
 public:
  Lexer(std::string_view text, size_t column) : text_(text), column_(column) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> out;
    bool space = true;
    while (at_ < text_.size()) {
      if (kSpace.find(text_[at_]) != std::string_view::npos) {
        space = true;
        ++at_;
        continue;
      }
      Token t;
      t.column = column_ + at_;
      t.after_space = space;
      TRY(One(&t));
      space = false;
      out.push_back(std::move(t));
    }
    Token end;
    end.column = column_ + at_;
    out.push_back(end);
    return out;
  }

 private:
  std::string Name() {
    size_t begin = at_;
    while (at_ < text_.size() && IsName(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Status One(Token* t) {
    char c = text_[at_];
    if (c == '.' || c == '$') {
      ++at_;
      t->kind = c == '.' ? Token::Kind::kField : Token::Kind::kVariable;
      t->text = Name();
      return OkStatus();
    }
    if (c == '"' || c == '`' || c == '\'') return Quoted(c, t);
    bool negative = (c == '-' || c == '+') && at_ + 1 < text_.size() &&
                    std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
    if (negative || std::isdigit(static_cast<unsigned char>(c)) != 0) return Number(t);
    if (IsName(c)) {
      t->kind = Token::Kind::kWord;
      t->text = Name();
      return OkStatus();
    }
    t->kind = Token::Kind::kSign;
    t->text = text_.substr(at_, 2) == ":=" ? ":=" : std::string(1, c);
    if (std::string_view("()|,=").find(c) == std::string_view::npos && t->text != ":=") {
      return At(t->column, StrCat("unexpected ", Quote(std::string(1, c))));
    }
    at_ += t->text.size();
    return OkStatus();
  }

  Status Quoted(char quote, Token* t) {
    t->kind = Token::Kind::kLiteral;
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
    return At(t->column, "a string without its end");
  }

  Status Number(Token* t) {
    size_t begin = at_++;
    while (at_ < text_.size() && (IsName(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    if (word[0] == '+') word.remove_prefix(1);
    t->kind = Token::Kind::kLiteral;
    t->literal = Json::parse(word, nullptr, false);
    if (!t->literal.is_number()) return At(t->column, StrCat(Quote(word), " is not a number"));
    return OkStatus();
  }

  std::string_view text_;
  size_t column_, at_ = 0;
};

class PipelineParser {
 public:
  explicit PipelineParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<TemplatePipeline> Run() {
    TemplatePipeline p = TRY(Pipeline(0));
    if (Now().kind != Token::Kind::kEnd) return At(Now().column, "unexpected " + Name(Now()));
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
    if (depth > kDeepest) return At(Now().column, "too many parentheses");
    TemplatePipeline p;
    Variables(&p);
    for (;;) {
      TemplateCommand command;
      while (Now().kind != Token::Kind::kEnd && !IsSign("|") && !IsSign(")")) {
        command.push_back(TRY(Operand(depth)));
      }
      if (command.empty()) return At(Now().column, "a value is missing before " + Name(Now()));
      if (command.size() > 1 && command[0].kind != TemplateOperand::Kind::kFunction) {
        return At(Now().column, "only a function takes arguments");
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
        if (t.text != "(") return At(t.column, "unexpected " + Name(t));
        o.kind = TemplateOperand::Kind::kPipeline;
        o.pipeline = std::make_shared<TemplatePipeline>(TRY(Pipeline(depth + 1)));
        if (!IsSign(")")) return At(Now().column, "a ) is missing");
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
    return At(t.column, StrCat("function ", Quote(t.text), " is not defined",
                               guess.empty() ? "" : StrCat(": did you mean ", guess, "?")));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

Result<TemplatePipeline> ParsePipeline(std::string_view code, size_t column) {
  std::vector<Token> tokens = TRY(Lexer(code, column).Run());
  return PipelineParser(std::move(tokens)).Run();
}

// Text and actions, as blocks of one another.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<TemplateNode>> Run() {
    std::vector<TemplateNode> nodes;
    End end = TRY(Block(0, &nodes));
    if (end.word != "") return At(end.column, StrCat("unexpected {{", end.word, "}}"));
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
    return front ? inside[0] == '-' && kSpace.find(inside[1]) != std::string_view::npos
                 : inside.back() == '-' &&
                       kSpace.find(inside[inside.size() - 2]) != std::string_view::npos;
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
    if (depth > kDeepest) return At(at_, "too many blocks in one another");
    for (;;) {
      size_t open = text_.find("{{", at_);
      std::string_view before = text_.substr(at_, open - at_);
      if (trim_next_)
        before.remove_prefix(std::min(before.find_first_not_of(kSpace), before.size()));
      trim_next_ = false;
      if (open == std::string_view::npos) {
        AddText(before, out);
        at_ = text_.size();
        return End{};
      }
      bool comment = text_.substr(open + 2, 2) == "/*" || text_.substr(open + 2, 4) == "- /*";
      size_t close = comment ? text_.find("*/", open) : Close(open + 2);
      if (comment && close != std::string_view::npos) close = text_.find("}}", close);
      if (close == std::string_view::npos) return At(open, "{{ without }}");
      std::string_view inside = text_.substr(open + 2, close - open - 2);
      if (IsTrim(inside, true)) {
        before = before.substr(0, before.find_last_not_of(kSpace) + 1);
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
    while (length < trimmed.size() && IsName(trimmed[length])) ++length;
    std::string word(trimmed.substr(0, length));
    std::string_view rest = trimmed.substr(length);
    if (word == "end" || word == "else") {
      if (word == "end" && !Trim(rest).empty()) return At(column, "{{end}} takes nothing");
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
    if (depth > kDeepest) return At(column, "too many blocks in one another");
    End end = TRY(Block(depth + 1, &node->body));
    if (end.word == "else" && end.rest.empty()) {
      end = TRY(Block(depth + 1, &node->otherwise));
      if (end.word == "else") return At(end.column, "a second {{else}}");
    } else if (end.word == "else") {
      // {{else if X}} is an if inside of the else, closed by the same end.
      TemplateNode inner;
      bool is_if = end.rest.starts_with("if ");
      if (!is_if && !end.rest.starts_with("with ")) {
        return At(end.column, "{{else}} takes nothing, if or with");
      }
      inner.kind = is_if ? TemplateNode::Kind::kIf : TemplateNode::Kind::kWith;
      std::string code = end.rest.substr(is_if ? 2 : 4);
      inner.pipeline = TRY(ParsePipeline(code, end.column));
      TRY(Body(column, depth + 1, &inner));
      node->otherwise.push_back(std::move(inner));
      return OkStatus();
    }
    if (end.word.empty()) return At(column, "an {{end}} is missing");
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
