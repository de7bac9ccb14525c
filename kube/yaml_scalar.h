// What an unquoted scalar means. kubectl turns YAML into JSON with a YAML 1.1 reader, so "yes" and
// "on" are booleans, 0755 is octal and 1_000 a number, while dates and 12:30:45 stay strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "kube/node.h"

namespace kpod::kube {

struct Scalar {
  enum class Kind { kNull, kBool, kInt, kUnsigned, kFloat, kString };
  Kind kind = Kind::kString;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;  // beyond int64
  double number = 0;
  std::string_view text;  // of a string
};

Scalar ResolvePlain(std::string_view text);
// A quoted or block scalar is a string whatever it looks like. `node` is a scalar or null.
Scalar Resolve(const Node& node);

// As Go's encoding/json writes a float64: 0.5, 1000, 1e+21.
std::string GoNumber(double number);

// Adds a member whose key is known to be new; operator[] searches, and a map may have 100000 keys.
Json& AppendMember(Json* object, const std::string& key);

// The value as JSON, of any shape, resolved. Nulls stay. False when it holds what JSON cannot say
// (.inf, .nan); `bad` then points at it.
bool ToJson(const Node& node, Json* out, const Node** bad);

}  // namespace kpod::kube
