// nlohmann::json without its exceptions: what kpod reads may be hostile, and a wrong type is not an
// emergency.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kpod {

// Objects keep the order in which keys were written, so that generated YAML reads like what was
// played.
using Json = nlohmann::ordered_json;

Result<Json> ParseJson(std::string_view text,
                       std::string_view what);  // error: "WHAT: not JSON at byte N"
Result<Json> ReadJsonFile(const std::string& path);

// The member, or a shared null when absent or when `j` is not an object. Never throws.
const Json& At(const Json& j, std::string_view key);
std::string StringAt(const Json& j, std::string_view key, std::string_view otherwise = {});
int64_t IntAt(const Json& j, std::string_view key, int64_t otherwise = 0);
bool BoolAt(const Json& j, std::string_view key, bool otherwise = false);
std::vector<std::string> StringsAt(const Json& j,
                                   std::string_view key);  // non-strings are left out
std::string Dump(const Json& j, int indent = -1);          // bytes that are not UTF-8 become U+FFFD

}  // namespace kpod
