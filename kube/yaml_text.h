// The text before it is scanned: encoding, line ends, where documents begin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/yaml.h"

namespace kpod::kube {

// Reads UTF-16 that says so by its byte order mark, strips byte order marks (also of the second of
// two files that were put together), turns CR LF into LF, and refuses control characters (as Go's
// reader does; the scanner behind us takes one of them for the end). What is not UTF-8 becomes
// U+FFFD, as in kubectl's requests, with a warning: a comment in Latin-1 is no reason to refuse.
bool CleanText(std::string_view text, std::string* out, std::vector<Problem>* problems);

void AppendUtf8(uint32_t code, std::string* out);
// Bytes that are not UTF-8 become U+FFFD, as Go's JSON encoder has it.
std::string ValidUtf8(std::string_view text);

struct Chunk {
  std::string_view text;
  int first_line = 1;
};

// One chunk a document, split at lines that begin with "---" or "...". A "---" line stays with what
// follows it.
std::vector<Chunk> SplitDocuments(std::string_view text);

}  // namespace kpod::kube
