// Documents and bytes that are almost right, from a fixed seed: what reads them may refuse, and may
// not crash, throw or take for ever.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "base/json.h"

namespace kpod::testing_tools {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }

  // `document` with one to three of its values replaced, removed or doubled.
  Json Mutate(Json document) {
    for (size_t i = 0, n = 1 + Below(3); i < n; ++i) {
      std::vector<Json*> all;
      Collect(document, all);
      Change(*all[Below(all.size())]);
    }
    return document;
  }

  // Bytes changed, cut, doubled or removed.
  std::string Mutate(std::string bytes) {
    for (size_t i = 0, n = 1 + Below(4); i < n && !bytes.empty(); ++i) {
      size_t at = Below(bytes.size());
      switch (Below(6)) {
        case 0:
          bytes.resize(at);
          break;
        case 1:
          bytes.erase(at, Below(600));
          break;
        case 2:
          bytes.insert(at, bytes.substr(Below(bytes.size()), Below(600)));
          break;
        default:
          bytes[at] = static_cast<char>(Below(256));
      }
    }
    return bytes;
  }

 private:
  static void Collect(Json& j, std::vector<Json*>& out) {
    out.push_back(&j);
    if (!j.is_structured()) return;
    for (Json& child : j) Collect(child, out);
  }

  void Change(Json& j) {
    static const std::vector<Json> values = {nullptr,
                                             true,
                                             0,
                                             -1,
                                             1.5e300,
                                             9223372036854775807LL,
                                             18446744073709551615ULL,
                                             "",
                                             std::string(5000, 'x'),
                                             std::string("a\0b", 3),
                                             "../../etc/passwd",
                                             "/",
                                             "sha256:",
                                             "\xff\xfe",
                                             Json::array(),
                                             Json::object(),
                                             Json::array({nullptr}),
                                             Json{{"a", Json::array({Json::object()})}}};
    if (j.is_array() && !j.empty() && Below(3) == 0) {
      if (Below(2) == 0) {
        j.erase(j.begin() + static_cast<std::ptrdiff_t>(Below(j.size())));
      } else {
        j.push_back(Json(j[Below(j.size())]));
      }
      return;
    }
    j = values[Below(values.size())];
  }

  std::mt19937 random_;
};

}  // namespace kpod::testing_tools
