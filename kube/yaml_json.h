// JSON, one or several values one after the other, with positions. YAML does not contain all of
// JSON: "\ud83d\ude00" is one character in JSON and an error in YAML.
#pragma once

#include <string_view>
#include <vector>

#include "kube/yaml.h"

namespace kpod::kube {

// Nothing when the text is not JSON; it may still be KYAML.
std::vector<Document> ParseJsonStream(std::string_view text);

}  // namespace kpod::kube
