#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "cmd/template.h"
#include "cmd/template_node.h"

namespace kpod::cmd {

namespace {

using Args = std::vector<Json>;
constexpr size_t kMaxPad = 4096;
constexpr size_t kAny = 1000;

struct Function {
  const char* name;
  size_t least, most;
  Result<Json> (*call)(const Args& args);
};

bool Equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a == b;
  return a.type() == b.type() && a == b;
}

// -1, 0 or 1; numbers and strings only, as in Go.
Result<int> Compare(const Json& a, const Json& b) {
  bool numbers = a.is_number() && b.is_number();
  if (!numbers && !(a.is_string() && b.is_string())) {
    return Error("only two numbers or two strings have an order");
  }
  return a < b ? -1 : b < a ? 1 : 0;
}

Result<Json> Length(const Args& a) {
  if (a[0].is_string()) return Json(a[0].get_ref<const std::string&>().size());
  if (a[0].is_array() || a[0].is_object()) return Json(a[0].size());
  return Error(StrCat("len of ", GoText(a[0]), ": it has no length"));
}

Result<Json> Index(const Args& a) {
  const Json* at = &a[0];
  for (size_t i = 1; i < a.size(); ++i) {
    if (at->is_object() && a[i].is_string()) {
      at = &At(*at, a[i].get_ref<const std::string&>());
      continue;
    }
    if (!at->is_array() || !a[i].is_number_integer()) {
      return Error(StrCat("index: cannot index ", GoText(*at), " with ", GoText(a[i])));
    }
    int64_t n = a[i].get<int64_t>();
    if (n < 0 || n >= static_cast<int64_t>(at->size())) {
      return Error(StrCat("index: ", n, " is out of range, there are ", at->size()));
    }
    at = &(*at)[static_cast<size_t>(n)];
  }
  return *at;
}

std::string Fill(std::string text, size_t width, bool left, char with) {
  if (text.size() < width) text.insert(left ? text.size() : 0, width - text.size(), with);
  return text;
}

// The verbs of fmt that make sense for JSON: %s %v %d %q %t %f %x %%, with flags - 0 and a width.
Result<Json> Printf(const Args& a) {
  std::string out, format = GoText(a[0]);
  size_t next = 1;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    bool left = false, zero = false;
    for (++i; i < format.size() && (format[i] == '-' || format[i] == '0'); ++i) {
      left = left || format[i] == '-';
      zero = zero || format[i] == '0';
    }
    size_t width = 0;
    for (; i < format.size() && std::isdigit(static_cast<unsigned char>(format[i])) != 0; ++i) {
      width = std::min(width * 10 + static_cast<size_t>(format[i] - '0'), kMaxPad);
    }
    if (i >= format.size()) return Error("printf: % without a verb");
    if (format[i] == '%') {
      out += '%';
      continue;
    }
    if (std::string_view("svdqtfx").find(format[i]) == std::string_view::npos) {
      return Error(StrCat("printf: %", format[i], " is not known: use %s %v %d %q %t %f %x"));
    }
    if (next >= a.size()) return Error(StrCat("printf: no value for %", format[i]));
    const Json& value = a[next++];
    std::string text = GoText(value);
    if (format[i] == 'q') text = Quote(text);
    if (format[i] == 'x' && value.is_string()) text = Hex(text);
    out += Fill(text, width, left, zero && !left && value.is_number() ? '0' : ' ');
  }
  return Json(out);
}

Result<Json> JoinTexts(const Args& a) {
  std::vector<std::string> parts;
  for (const Json& e : a[0]) parts.push_back(GoText(e));
  return Json(Join(parts, GoText(a[1])));
}

Result<Json> Pad(const Args& a) {  // podman's: the text between as many blanks
  size_t before = a[1].is_number_unsigned() ? std::min(a[1].get<size_t>(), kMaxPad) : 0;
  size_t after = a[2].is_number_unsigned() ? std::min(a[2].get<size_t>(), kMaxPad) : 0;
  return Json(std::string(before, ' ') + GoText(a[0]) + std::string(after, ' '));
}

Result<Json> Truncate(const Args& a) {
  std::string text = GoText(a[0]);
  if (!a[1].is_number_unsigned()) return Error("truncate: wanted a text and a length");
  return Json(text.substr(0, a[1].get<size_t>()));
}

Result<Json> Title(const Args& a) {
  std::string text = GoText(a[0]);
  bool first = true;
  for (char& c : text) {
    if (first) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    first = c == ' ';
  }
  return Json(text);
}

Result<Json> PrintAll(const Args& a, const char* between, const char* end) {
  std::vector<std::string> parts;
  for (const Json& e : a) parts.push_back(GoText(e));
  return Json(Join(parts, between) + end);
}

Result<Json> Order(const Args& a, bool (*holds)(int)) {
  return Json(holds(TRY(Compare(a[0], a[1]))));
}

const Function kFunctions[] = {
    {"json", 1, 1, [](const Args& a) -> Result<Json> { return Json(Dump(a[0])); }},
    {"upper", 1, 1, [](const Args& a) -> Result<Json> { return Json(ToUpper(GoText(a[0]))); }},
    {"lower", 1, 1, [](const Args& a) -> Result<Json> { return Json(ToLower(GoText(a[0]))); }},
    {"title", 1, 1, Title},
    {"join", 2, 2, JoinTexts},
    {"split", 2, 2,
     [](const Args& a) -> Result<Json> {
       std::string sep = GoText(a[1]);
       if (sep.size() != 1) return Error("split: wanted a text and one character");
       return Json(Split(GoText(a[0]), sep[0]));
     }},
    {"truncate", 2, 2, Truncate},
    {"pad", 3, 3, Pad},
    {"len", 1, 1, Length},
    {"index", 1, kAny, Index},
    {"print", 0, kAny, [](const Args& a) { return PrintAll(a, "", ""); }},
    {"println", 0, kAny, [](const Args& a) { return PrintAll(a, " ", "\n"); }},
    {"printf", 1, kAny, Printf},
    {"eq", 2, kAny,
     [](const Args& a) -> Result<Json> {
       return Json(std::any_of(a.begin() + 1, a.end(), [&](auto& b) { return Equal(a[0], b); }));
     }},
    {"ne", 2, 2, [](const Args& a) -> Result<Json> { return Json(!Equal(a[0], a[1])); }},
    {"lt", 2, 2, [](const Args& a) { return Order(a, [](int c) { return c < 0; }); }},
    {"le", 2, 2, [](const Args& a) { return Order(a, [](int c) { return c <= 0; }); }},
    {"gt", 2, 2, [](const Args& a) { return Order(a, [](int c) { return c > 0; }); }},
    {"ge", 2, 2, [](const Args& a) { return Order(a, [](int c) { return c >= 0; }); }},
    {"not", 1, 1, [](const Args& a) -> Result<Json> { return Json(!TemplateTruth(a[0])); }},
    {"and", 1, kAny,
     [](const Args& a) -> Result<Json> {
       for (const Json& e : a) {
         if (!TemplateTruth(e)) return e;
       }
       return a.back();
     }},
    {"or", 1, kAny,
     [](const Args& a) -> Result<Json> {
       for (const Json& e : a) {
         if (TemplateTruth(e)) return e;
       }
       return a.back();
     }},
};

}  // namespace

bool IsTemplateFunction(std::string_view name) {
  return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                     [&](const Function& f) { return f.name == name; });
}

std::vector<std::string> TemplateFunctions() {
  std::vector<std::string> names;
  for (const Function& f : kFunctions) names.emplace_back(f.name);
  return names;
}

Result<Json> CallTemplateFunction(const std::string& name, const std::vector<Json>& args) {
  for (const Function& f : kFunctions) {
    if (f.name != name) continue;
    if (args.size() < f.least || args.size() > f.most) {
      return Error(StrCat(name, ": wrong number of arguments: ", args.size(), ", wanted ", f.least,
                          f.most == f.least ? "" : " or more"));
    }
    return f.call(args);
  }
  return Error(StrCat("function ", Quote(name), " is not defined"));
}

bool TemplateTruth(const Json& v) {
  if (v.is_boolean()) return v.get<bool>();
  if (v.is_number()) return v != 0;
  if (v.is_string()) return !v.get_ref<const std::string&>().empty();
  return !v.empty();  // null is empty
}

std::string GoText(const Json& v) {
  if (v.is_string()) return v.get<std::string>();
  if (v.is_null()) return "<no value>";
  if (!v.is_array() && !v.is_object()) return Dump(v);
  std::vector<std::string> parts;
  for (const auto& [key, value] : v.items()) {
    parts.push_back(v.is_array() ? GoText(value) : StrCat(key, ":", GoText(value)));
  }
  if (v.is_array()) return "[" + Join(parts, " ") + "]";
  std::sort(parts.begin(), parts.end());  // fmt prints maps sorted by key
  return "map[" + Join(parts, " ") + "]";
}

}  // namespace kpod::cmd
