#include "runtime/json_reader.h"

namespace kpod::runtime {

JsonReader::JsonReader(const Json& object, std::string where, std::optional<Error>* error)
    : object_(object), where_(std::move(where)), error_(error) {
  if (!object.is_null() && !object.is_object()) Fail("", "not an object");
}

void JsonReader::Get(std::string_view key, std::string* out) {
  const Json& v = At(object_, key);
  if (v.is_null()) return;
  if (!v.is_string()) return Fail(key, "not a string");
  *out = v.get<std::string>();
  if (out->find('\0') != std::string::npos) Fail(key, "contains a NUL byte");
}

void JsonReader::Get(std::string_view key, bool* out) {
  const Json& v = At(object_, key);
  if (v.is_null()) return;
  if (!v.is_boolean()) return Fail(key, "not true or false");
  *out = v.get<bool>();
}

void JsonReader::Get(std::string_view key, std::vector<std::string>* out) {
  const Json& v = At(object_, key);
  if (v.is_null()) return;
  if (!v.is_array()) return Fail(key, "not a list");
  for (const Json& e : v) {
    if (!e.is_string()) return Fail(key, "an element is not a string");
    out->push_back(e.get<std::string>());
    if (out->back().find('\0') != std::string::npos) return Fail(key, "contains a NUL byte");
  }
}

void JsonReader::Get(std::string_view key, std::vector<uint32_t>* out) {
  Each(key, [&](const Json& e, const std::string&) {
    if (!e.is_number_integer() || !std::in_range<uint32_t>(e.get<int64_t>())) {
      return Fail(key, "an element is not an id");
    }
    out->push_back(e.get<uint32_t>());
  });
}

void JsonReader::Get(std::string_view key, std::map<std::string, std::string>* out) {
  const Json& v = At(object_, key);
  if (v.is_null()) return;
  if (!v.is_object()) return Fail(key, "not an object");
  for (auto& [name, value] : v.items()) {
    if (!value.is_string()) return Fail(StrCat(key, ".", name), "not a string");
    (*out)[name] = value.get<std::string>();
  }
}

void JsonReader::Fail(std::string_view key, std::string_view why) {
  if (!*error_) *error_ = Error(StrCat(Path(key), ": ", why));
}

std::string JsonReader::Path(std::string_view key) const {
  if (where_.empty()) return std::string(key);
  return key.empty() ? where_ : StrCat(where_, ".", key);
}

}  // namespace kpod::runtime
