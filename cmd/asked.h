// The objects that the arguments of get and wait name, in kubectl's forms: a kind ("services,pods",
// "svc") with or without names, or KIND/NAME each.
#pragma once

#include <string>
#include <vector>

#include "cmd/command.h"
#include "cmd/get_objects.h"

namespace kpod::cmd {

// A kind, and those of it that were named; all of them where none was.
struct Asked {
  std::string kind;
  std::vector<std::string> names;
};

Result<std::vector<Asked>> WhatIsAsked(const std::vector<std::string>& args);

bool IsNamespaced(const std::string& kind);
std::string PluralOf(const std::string& kind);  // "services", "deployments.apps"

// By --namespace, --all-namespaces and --selector. A name that nothing has is an error with code()
// ENOENT: services "web" not found.
Result<std::vector<Listed>> FindAsked(const Invocation& in, const Asked& asked);

}  // namespace kpod::cmd
