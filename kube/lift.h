// Objects in API versions that are gone, brought into the form in which they live on.
#pragma once

#include <optional>
#include <string_view>

#include "kube/node.h"

namespace kpod::kube {

struct Removed {
  std::string_view api_version, kind;
  std::string_view since;    // the Kubernetes version that removed it
  std::string_view present;  // the API version it lives on in; empty: in none
};

std::optional<Removed> FindRemoved(std::string_view api_version, std::string_view kind);

// The object in its present form; values that moved keep their places in the file.
Node Lift(const Node& root, const Removed& removed);

}  // namespace kpod::kube
