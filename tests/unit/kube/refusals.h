// What Load says, as text.
#pragma once

#include <string>
#include <vector>

#include "base/text.h"
#include "kube/load.h"

namespace kpod::kube {

// What it refuses, a line each: "4:7 spec.ports: Required value".
inline std::string Refusals(const std::string& text) {
  std::vector<std::string> lines;
  for (const Diagnostic& d : Load(text, "f").diagnostics) {
    if (d.severity != Severity::kError) continue;
    lines.push_back(StrCat(d.at.line, ":", d.at.column, " ", d.path, ": ", d.text));
  }
  return Join(lines, "\n");
}

// All that is at least as severe, as a person is told it.
inline std::string DiagnosticsOf(const LoadResult& result, Severity least) {
  std::string all;
  for (const Diagnostic& d : result.diagnostics) {
    if (d.severity >= least) all += d.ToString() + "\n";
  }
  return all;
}

}  // namespace kpod::kube
