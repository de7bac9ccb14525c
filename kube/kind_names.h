// What people call a kind: "deploy", "deployments", "Deployment", "deployment.apps".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kpod::kube {

// The kind of a word in any of kubectl's forms: singular, plural or short, with or without its
// group, in any case. Nothing when it names no kind.
std::optional<std::string> KindNamed(std::string_view word);

// As kubectl names an object's kind in what it prints: "pod", "deployment.apps".
std::string ResourceName(std::string_view kind);

}  // namespace kpod::kube
