// What `kpod get` shows of an object, in kubectl's columns. Source: pkg/printers/internalversion.
#pragma once

#include <string>
#include <vector>

#include "cmd/get_objects.h"

namespace kpod::cmd {

// Between NAME and AGE, and after AGE with -o wide.
struct Columns {
  std::vector<std::string> narrow, wide;
};
Columns HeadersOf(const std::string& kind);
Columns CellsOf(const std::string& kind, const Listed& item);

}  // namespace kpod::cmd
