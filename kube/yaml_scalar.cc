#include "kube/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

namespace kpod::kube {
namespace {

bool OneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Go's strconv.ParseInt(s, 0, 64) and ParseUint, after the underscores are gone.
bool ParseInteger(std::string_view s, Scalar* out) {
  bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);
  int base = 10;
  if (s.size() > 1 && s[0] == '0') {
    char letter = static_cast<char>(s[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    s.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  uint64_t magnitude = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), magnitude, base);
  if (s.empty() || error != std::errc() || end != s.data() + s.size()) return false;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) {
    if (negative) return false;
    out->kind = Scalar::Kind::kUnsigned;
    out->unsigned_integer = magnitude;
    return true;
  }
  out->kind = Scalar::Kind::kInt;
  out->integer = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

// [-+]? (\.digits | digits(\.digits*)?) ([eE][-+]?digits)?
bool LooksLikeFloat(std::string_view s) {
  size_t i = 0;
  auto digits = [&] {
    size_t begin = i;
    while (i < s.size() && IsDigit(s[i])) ++i;
    return i - begin;
  };
  if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
  size_t whole = digits();
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == s.size();
}

std::optional<double> ParseFloat(std::string_view s) {
  if (!LooksLikeFloat(s)) return std::nullopt;
  if (s.starts_with('+')) s.remove_prefix(1);
  double number = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), number);
  // Go refuses what does not fit, and the scalar stays a string; a tiny number becomes zero.
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return number;
}

}  // namespace

Scalar ResolvePlain(std::string_view text) {
  Scalar scalar;
  scalar.text = text;
  auto as = [&](Scalar::Kind kind) {
    scalar.kind = kind;
    return scalar;
  };
  auto boolean = [&](bool value) {
    scalar.boolean = value;
    return as(Scalar::Kind::kBool);
  };
  auto number = [&](double value) {
    scalar.number = value;
    return as(Scalar::Kind::kFloat);
  };
  if (OneOf(text, {"", "~", "null", "Null", "NULL"})) return as(Scalar::Kind::kNull);
  if (OneOf(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return boolean(true);
  }
  if (OneOf(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return boolean(false);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (OneOf(text, {".nan", ".NaN", ".NAN"})) return number(std::nan(""));
  if (OneOf(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return number(kInfinity);
  if (OneOf(text, {"-.inf", "-.Inf", "-.INF"})) return number(-kInfinity);
  if (!IsDigit(text[0]) && text[0] != '-' && text[0] != '+' && text[0] != '.') return scalar;
  std::string plain;
  std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
               [](char c) { return c != '_'; });
  if (ParseInteger(plain, &scalar)) return scalar;
  if (auto value = ParseFloat(plain)) return number(*value);
  return scalar;
}

Scalar Resolve(const Node& node) {
  if (node.IsScalar() && !node.plain) {
    Scalar scalar;
    scalar.text = node.scalar;
    return scalar;
  }
  return ResolvePlain(node.scalar);
}

std::string GoNumber(double number) {
  char buffer[64];
  double magnitude = std::fabs(number);
  bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), number,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed);
  return std::string(buffer, end.ptr);
}

Json& AppendMember(Json* object, const std::string& key) {
  auto& members = object->get_ref<Json::object_t&>();
  members.emplace_back(key, nullptr);
  return members.back().second;
}

bool ToJson(const Node& node, Json* out, const Node** bad) {
  switch (node.kind) {
    case Node::Kind::kMap:
      *out = Json::object();
      for (const Entry& entry : node.entries) {
        if (!ToJson(entry.value, &AppendMember(out, entry.key), bad)) return false;
      }
      return true;
    case Node::Kind::kSequence:
      *out = Json::array();
      for (const Node& item : node.items) {
        out->push_back(nullptr);
        if (!ToJson(item, &out->back(), bad)) return false;
      }
      return true;
    default:
      break;
  }
  Scalar scalar = Resolve(node);
  switch (scalar.kind) {
    case Scalar::Kind::kNull:
      *out = nullptr;
      break;
    case Scalar::Kind::kBool:
      *out = scalar.boolean;
      break;
    case Scalar::Kind::kInt:
      *out = scalar.integer;
      break;
    case Scalar::Kind::kUnsigned:
      *out = scalar.unsigned_integer;
      break;
    case Scalar::Kind::kFloat:
      if (!std::isfinite(scalar.number)) {
        *bad = &node;
        return false;
      }
      // 1.0 becomes 1, as on the way through Go's JSON.
      if (scalar.number == std::floor(scalar.number) && std::fabs(scalar.number) < 9e15) {
        *out = static_cast<int64_t>(scalar.number);
      } else {
        *out = scalar.number;
      }
      break;
    case Scalar::Kind::kString:
      *out = std::string(scalar.text);
      break;
  }
  return true;
}

}  // namespace kpod::kube
