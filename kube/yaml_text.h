// The text before it is scanned: encoding, line ends, where documents begin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/yaml.h"

namespace kpod::kube {

// Strips a byte order mark, turns CR LF into LF, and refuses what is not UTF-8 or holds control
// characters (as Go's reader does; the scanner behind us takes one of them for the end).
bool CleanText(std::string_view text, std::string* out, Problem* problem);

struct Chunk {
  std::string_view text;
  int first_line = 1;
};

// One chunk a document, split at lines that begin with "---" or "...". A "---" line stays with what
// follows it.
std::vector<Chunk> SplitDocuments(std::string_view text);

}  // namespace kpod::kube
