#include "base/json.h"

#include "base/files.h"
#include "base/text.h"

namespace kpod {

Result<Json> ParseJson(std::string_view text, std::string_view what) {
  // The parser recurses; a document of brackets only must not overflow the stack.
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > 512) return Error(StrCat(what, ": nested more than 512 deep"));
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  // Also spares an exception, which a static program takes milliseconds to find its way through.
  if (Trim(text).empty()) return Error(StrCat(what, ": not JSON at byte 0: it is empty"));
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    return Error(StrCat(what, ": not JSON at byte ", e.byte));
  } catch (const Json::exception& e) {
    return Error(StrCat(what, ": ", e.what()));
  }
}

Result<Json> ReadJsonFile(const std::string& path) {
  std::string text = TRY(ReadFile(path));
  return ParseJson(text, path);
}

const Json& At(const Json& j, std::string_view key) {
  static const Json null;
  if (!j.is_object()) return null;
  auto it = j.find(key);
  return it == j.end() ? null : *it;
}

std::string StringAt(const Json& j, std::string_view key, std::string_view otherwise) {
  const Json& v = At(j, key);
  return v.is_string() ? v.get_ref<const std::string&>() : std::string(otherwise);
}

int64_t IntAt(const Json& j, std::string_view key, int64_t otherwise) {
  const Json& v = At(j, key);
  return v.is_number_integer() ? v.get<int64_t>() : otherwise;
}

bool BoolAt(const Json& j, std::string_view key, bool otherwise) {
  const Json& v = At(j, key);
  return v.is_boolean() ? v.get<bool>() : otherwise;
}

std::vector<std::string> StringsAt(const Json& j, std::string_view key) {
  std::vector<std::string> out;
  const Json& v = At(j, key);
  if (!v.is_array()) return out;
  for (const Json& e : v) {
    if (e.is_string()) out.push_back(e.get_ref<const std::string&>());
  }
  return out;
}

std::string Dump(const Json& j, int indent) {
  return j.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kpod
