// How cp names its two ends: "pod:path", "namespace/pod:path", "deployment/web:path", or a path of
// this machine. Pure.
#pragma once

#include <string>

#include "base/result.h"

namespace kpod::cmd {

struct CopySpec {
  std::string pod;  // "": this machine
  std::string path;
};
// What begins with "." or "/" is of this machine, whatever colons it holds.
Result<CopySpec> ParseCopySpec(const std::string& word);

}  // namespace kpod::cmd
