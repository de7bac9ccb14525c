// Members of a JSON object, read into typed variables: what is absent leaves the variable as it is,
// and the first member of a wrong type is remembered with its place ("linux.devices[0].path").
#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"

namespace kpod::runtime {

class JsonReader {
 public:
  // `where` is the object's place, "" for the whole document. Readers of one document share
  // `error`.
  JsonReader(const Json& object, std::string where, std::optional<Error>* error);

  bool Has(std::string_view key) const { return !At(object_, key).is_null(); }
  const Json& Raw(std::string_view key) const { return At(object_, key); }
  JsonReader Object(std::string_view key) { return {At(object_, key), Path(key), error_}; }
  JsonReader Element(const Json& e, const std::string& path) { return {e, path, error_}; }

  void Get(std::string_view key, std::string* out);
  void Get(std::string_view key, bool* out);
  void Get(std::string_view key, std::vector<std::string>* out);
  void Get(std::string_view key, std::vector<uint32_t>* out);
  void Get(std::string_view key, std::map<std::string, std::string>* out);
  template <class N>
  requires std::is_integral_v<N>
  void Get(std::string_view key, N* out) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (v.is_number_unsigned()) {
      if (v.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<N>::max())) {
        return Fail(key, "too large");
      }
    } else if (v.is_number_integer()) {
      int64_t n = v.get<int64_t>();
      if (!std::in_range<N>(n)) return Fail(key, "out of range");
    } else {
      return Fail(key, "not a whole number");
    }
    *out = v.get<N>();
  }
  template <class T>
  void Get(std::string_view key, std::optional<T>* out) {
    if (!Has(key)) return;
    T value{};
    Get(key, &value);
    *out = std::move(value);
  }
  // Calls `body(element, path)` for each element of a list.
  template <class F>
  void Each(std::string_view key, F body) {
    const Json& v = At(object_, key);
    if (v.is_null()) return;
    if (!v.is_array()) return Fail(key, "not a list");
    if (v.size() > kMaxEntries) return Fail(key, "too long");
    size_t i = 0;
    for (const Json& e : v) body(e, StrCat(Path(key), "[", i++, "]"));
  }
  void Fail(std::string_view key, std::string_view why);

 private:
  static constexpr size_t kMaxEntries = 100000;  // of any list: the document may be hostile

  std::string Path(std::string_view key) const;

  const Json& object_;
  std::string where_;
  std::optional<Error>* error_;
};

}  // namespace kpod::runtime
