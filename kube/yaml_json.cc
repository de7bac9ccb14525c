#include "kube/yaml_json.h"

#include <cstdint>

#include "base/text.h"
#include "kube/yaml_build.h"
#include "kube/yaml_text.h"

namespace kpod::kube {
namespace {

class JsonScanner {
 public:
  JsonScanner(std::string_view text, Budget* budget) : text_(text), budget_(budget) {}

  // The next value of the stream; false at the end or when this is not JSON.
  bool Next(Document* document) {
    SkipBlanks();
    if (at_ == text_.size() || (Peek() != '{' && Peek() != '[')) return false;
    Builder builder(budget_);
    document->line = line_;
    if (!Value(&builder, 0)) return false;
    document->root = builder.TakeRoot();
    document->problems = builder.TakeProblems();
    return true;
  }
  bool AtEnd() {
    SkipBlanks();
    return at_ == text_.size();
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  int Column() const { return static_cast<int>(at_ - line_start_) + 1; }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c != ' ' && c != '\t' && c != '\n') return;
      ++at_;
      if (c == '\n') {
        ++line_;
        line_start_ = at_;
      }
    }
  }
  bool Eat(char c) {
    SkipBlanks();
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  bool Value(Builder* builder, int depth) {
    SkipBlanks();
    if (depth > kMaxDepth) return false;
    int line = line_, column = Column();
    switch (Peek()) {
      case '{':
        return Members(builder, depth);
      case '[':
        return Items(builder, depth);
      case '"': {
        std::string text;
        return String(&text) && builder->Scalar(line, column, "!", std::move(text), 0);
      }
      default:
        return Word(builder);
    }
  }

  bool Members(Builder* builder, int depth) {
    if (!builder->Start(Node::Kind::kMap, line_, Column(), 0)) return false;
    ++at_;
    if (Eat('}')) return builder->End();
    do {
      SkipBlanks();
      int line = line_, column = Column();
      std::string key;
      if (!String(&key) || !builder->Scalar(line, column, "!", std::move(key), 0)) return false;
      if (!Eat(':') || !Value(builder, depth + 1)) return false;
    } while (Eat(','));
    return Eat('}') && builder->End();
  }

  bool Items(Builder* builder, int depth) {
    if (!builder->Start(Node::Kind::kSequence, line_, Column(), 0)) return false;
    ++at_;
    if (Eat(']')) return builder->End();
    do {
      if (!Value(builder, depth + 1)) return false;
    } while (Eat(','));
    return Eat(']') && builder->End();
  }

  bool Word(Builder* builder) {
    size_t begin = at_;
    int column = Column();
    while (at_ < text_.size() && (isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '+' || text_[at_] == '-' || text_[at_] == '.')) {
      ++at_;
    }
    std::string_view word = text_.substr(begin, at_ - begin);
    bool literal = word == "true" || word == "false" || word == "null";
    if (!literal && !IsNumber(word)) return false;
    return builder->Scalar(line_, column, "?", std::string(word), 0);
  }

  // RFC 8259, section 6.
  static bool IsNumber(std::string_view s) {
    auto digits = [&] {
      size_t n = 0;
      while (n < s.size() && s[n] >= '0' && s[n] <= '9') ++n;
      s.remove_prefix(n);
      return n;
    };
    if (s.starts_with('-')) s.remove_prefix(1);
    bool zero = s.starts_with('0');
    size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (s.starts_with('.')) {
      s.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (s.starts_with('e') || s.starts_with('E')) {
      s.remove_prefix(1);
      if (s.starts_with('+') || s.starts_with('-')) s.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return s.empty();
  }

  bool String(std::string* out) {
    if (Peek() != '"') return false;
    for (++at_; at_ < text_.size();) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      if (!Escape(out)) return false;
    }
    return false;
  }

  bool Escape(std::string* out) {
    if (at_ == text_.size()) return false;
    char c = text_[at_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (size_t i = kFrom.find(c); i != std::string_view::npos) {
      out->push_back(kTo[i]);
      return true;
    }
    uint32_t code = 0;
    if (c != 'u' || !Hex4(&code)) return false;
    uint32_t low = 0;
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      size_t before = at_;
      at_ += 2;
      if (!Hex4(&low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = before;
      }
    }
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;  // half of a pair, as Go's decoder does
    AppendUtf8(code, out);
    return true;
  }

  bool Hex4(uint32_t* code) {
    auto value = ParseHex(text_.substr(at_, 4));
    if (!value || text_.size() - at_ < 4) return false;
    *code = static_cast<uint32_t>(*value);
    at_ += 4;
    return true;
  }

  std::string_view text_;
  Budget* budget_;
  size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Document> ParseJsonStream(std::string_view text) {
  Budget budget;
  JsonScanner scanner(text, &budget);
  std::vector<Document> documents;
  for (Document document; scanner.Next(&document); document = {}) {
    documents.push_back(std::move(document));
  }
  if (!scanner.AtEnd()) documents.clear();
  return documents;
}

}  // namespace kpod::kube
