// What Load refuses, a line each: "4:7 spec.ports: Required value".
#pragma once

#include <string>
#include <vector>

#include "base/text.h"
#include "kube/load.h"

namespace kpod::kube {

inline std::string Refusals(const std::string& text) {
  std::vector<std::string> lines;
  for (const Diagnostic& d : Load(text, "f").diagnostics) {
    if (d.severity != Severity::kError) continue;
    lines.push_back(StrCat(d.at.line, ":", d.at.column, " ", d.path, ": ", d.text));
  }
  return Join(lines, "\n");
}

}  // namespace kpod::kube
