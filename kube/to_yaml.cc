// JSON -> YAML as kubectl prints it. Every reader must get the same value back: ours, one of YAML
// 1.1 and one of YAML 1.2; so whatever any of them would take for something else is quoted.
#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "kube/load.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {
namespace {

constexpr size_t kMaxSimpleKey = 1024;  // YAML 1.2, section 7.4.3

// The code point at the front and its length; length 0 when the bytes are not UTF-8.
uint32_t CodePoint(std::string_view s, size_t* length) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned char first = byte(0);
  *length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (*length == 1) return first;
  bool valid = first >= 0xC2 && first <= 0xF4 && s.size() >= *length;
  uint32_t code = first & (0xFF >> (*length + 1));
  for (size_t i = 1; valid && i < *length; ++i) {
    valid = (byte(i) & 0xC0) == 0x80;
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && code >= kLeast[*length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  if (!valid) *length = 0;
  return code;
}

// Code points that a reader may refuse, fold or take for a line break when they stand as they are.
bool MustEscape(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
         code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

struct Looks {
  bool utf8 = true;
  bool escapes = false;  // besides line feeds and tabs
  bool lines = false, tabs = false;
};

Looks LookAt(std::string_view s) {
  Looks looks;
  while (!s.empty()) {
    size_t length;
    uint32_t code = CodePoint(s, &length);
    if (length == 0) {
      looks.utf8 = false;
      return looks;
    }
    if (code == '\n') {
      looks.lines = true;
    } else if (code == '\t') {
      looks.tabs = true;
    } else {
      looks.escapes |= MustEscape(code);
    }
    s.remove_prefix(length);
  }
  return looks;
}

// Numbers to base 60 and dates of YAML 1.1.
bool LooksLikeTime(std::string_view s) {
  if (s.find_first_of(":-", 1) == std::string_view::npos) return false;
  return ((s[0] >= '0' && s[0] <= '9') || s[0] == '-' || s[0] == '+') &&
         s.find_first_not_of("0123456789:-+_.TtZz ") == std::string_view::npos;
}

bool PlainIsSafe(std::string_view s) {
  if (ResolvePlain(s).kind != Scalar::Kind::kString || LooksLikeTime(s)) return false;
  if (s == "=" || s == "<<" || s.starts_with("---") || s.starts_with("...")) return false;
  if (std::string_view(",[]{}#&*!|>'\"%@`").find(s[0]) != std::string_view::npos) return false;
  bool indicator = s[0] == '-' || s[0] == '?' || s[0] == ':';
  if (indicator && (s.size() == 1 || s[1] == ' ')) return false;
  if (s.front() == ' ' || s.back() == ' ' || s.back() == ':') return false;
  return s.find(": ") == std::string_view::npos && s.find(" #") == std::string_view::npos;
}

std::string DoubleQuoted(std::string_view s) {
  std::string out = "\"";
  while (!s.empty()) {
    size_t length;
    uint32_t code = CodePoint(s, &length);
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\r') {
      out += "\\r";
    } else if (MustEscape(code)) {
      std::string bytes = {static_cast<char>(code >> 8), static_cast<char>(code)};
      out += code < 0x100 ? "\\x" + Hex(bytes.substr(1)) : "\\u" + Hex(bytes);
    } else {
      out += s.substr(0, length);
    }
    s.remove_prefix(length);
  }
  return out + '"';
}

// On one line: plain, 'single' or "double".
std::string Inline(std::string_view s) {
  Looks looks = LookAt(s);
  if (!looks.utf8) return "!!binary \"" + Base64Encode(s) + '"';
  if (looks.lines || looks.tabs || looks.escapes) return DoubleQuoted(s);
  if (PlainIsSafe(s)) return std::string(s);
  return "'" + ReplaceAll(std::string(s), "'", "''") + "'";
}

// Text of several lines that reads well as it stands. A line that begins with a tab, or text that
// begins with an empty line of blanks, is where readers differ.
bool BlockIsSafe(std::string_view s) {
  Looks looks = LookAt(s);
  if (!looks.utf8 || !looks.lines || looks.escapes || Trim(s).empty()) return false;
  if (s.front() == '\n' || s.front() == ' ' || s.front() == '\t') {
    // With an indentation indicator, blanks may lead; blank lines before the first text may not.
    std::string_view first = s.substr(0, s.find('\n'));
    if (Trim(first).empty() || s.front() == '\t') return false;
  }
  return s.find("\n\t") == std::string_view::npos;
}

class Writer {
 public:
  void Members(const Json& map, int indent);
  void Items(const Json& list, int indent);
  std::string Take() { return std::move(out_); }
  void Value(const Json& value, int indent, bool in_list);

 private:
  void Text(std::string_view s, int indent);
  void Pad(int indent) { out_.append(static_cast<size_t>(indent), ' '); }
  std::string out_;
};

// `indent` is the column of the collection that holds the text.
void Writer::Text(std::string_view s, int indent) {
  if (!BlockIsSafe(s)) {
    out_ += Inline(s) + '\n';
    return;
  }
  out_ += '|';
  if (s.front() == ' ') out_ += '2';
  if (!s.ends_with('\n')) {
    out_ += '-';
  } else if (s.ends_with("\n\n")) {
    out_ += '+';
  }
  out_ += '\n';
  if (s.ends_with('\n')) s.remove_suffix(1);
  for (size_t at = 0; at <= s.size();) {
    size_t end = std::min(s.find('\n', at), s.size());
    if (end > at) {
      Pad(indent + 2);
      out_ += s.substr(at, end - at);
    }
    out_ += '\n';
    at = end + 1;
  }
}

void Writer::Value(const Json& value, int indent, bool in_list) {
  if (value.is_object() && !value.empty()) {
    if (in_list) {
      Members(value, indent + 2);
    } else {
      out_ += '\n';
      Members(value, indent + 2);
    }
  } else if (value.is_array() && !value.empty()) {
    if (!in_list) out_ += '\n';
    Items(value, in_list ? indent + 2 : indent);
  } else if (value.is_string()) {
    Text(value.get_ref<const std::string&>(), indent);
  } else if (value.is_number_float()) {
    out_ += GoNumber(value.get<double>()) + '\n';
  } else {
    out_ += Dump(value) + '\n';
  }
}

// The first member of an item stands on the line of its dash.
void Writer::Members(const Json& map, int indent) {
  bool on_dash = out_.ends_with("- ");
  for (const auto& [key, value] : map.items()) {
    if (!on_dash) Pad(indent);
    on_dash = false;
    std::string text = Inline(key);
    if (text.size() >= kMaxSimpleKey) {
      out_ += "? " + text + '\n';
      Pad(indent);
      text.clear();
    }
    out_ += text + ':';
    bool below = !value.empty() && value.is_structured();
    if (!below) out_ += ' ';
    Value(value, indent, false);
  }
}

void Writer::Items(const Json& list, int indent) {
  bool on_dash = out_.ends_with("- ");
  for (const Json& item : list) {
    if (!on_dash) Pad(indent);
    on_dash = false;
    out_ += "- ";
    Value(item, indent, true);
  }
}

}  // namespace

std::string ToYaml(const Json& object) {
  Writer writer;
  if (object.is_object() && !object.empty()) {
    writer.Members(object, 0);
  } else {
    writer.Value(object, 0, true);
  }
  return writer.Take();
}

}  // namespace kpod::kube
