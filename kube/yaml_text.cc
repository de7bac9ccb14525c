#include "kube/yaml_text.h"

#include <cstdint>

#include "base/text.h"

namespace kpod::kube {
namespace {

// The length of the UTF-8 sequence at the front, or 0 when it is none (RFC 3629).
size_t Utf8Length(std::string_view s) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogates
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

bool IsControl(std::string_view s, size_t length) {
  unsigned char first = static_cast<unsigned char>(s[0]);
  if (length == 1) return (first < 0x20 && first != '\t' && first != '\n') || first == 0x7F;
  // C1 controls but NEL; U+FFFE and U+FFFF.
  if (length == 2 && first == 0xC2) {
    unsigned char second = static_cast<unsigned char>(s[1]);
    return second < 0xA0 && second != 0x85;
  }
  return s.starts_with("\xEF\xBF\xBE") || s.starts_with("\xEF\xBF\xBF");
}

bool IsMarker(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return false;
  return line.size() == mark.size() || line[mark.size()] == ' ' || line[mark.size()] == '\t';
}

// Nothing but comments, blanks and directives: they belong to the document that follows.
bool IsPreamble(std::string_view line) {
  std::string_view rest = Trim(line);
  return rest.empty() || rest[0] == '#' || line[0] == '%';
}

}  // namespace

bool CleanText(std::string_view text, std::string* out, Problem* problem) {
  auto fail = [&](int line, int column, std::string what) {
    *problem = {true, line, column, "", std::move(what)};
    return false;
  };
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return fail(1, 1, "the text is UTF-16; write it as UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  out->reserve(text.size());
  int line = 1, column = 1;
  while (!text.empty()) {
    if (text[0] == '\r') {
      text.remove_prefix(text.starts_with("\r\n") ? 2 : 1);
      out->push_back('\n');
      ++line;
      column = 1;
      continue;
    }
    size_t length = Utf8Length(text);
    if (length == 0) return fail(line, column, "the text is not UTF-8");
    if (IsControl(text, length)) {
      return fail(line, column, "control characters are not allowed");
    }
    if (text[0] == '\n') {
      ++line;
      column = 0;
    }
    ++column;
    out->append(text.substr(0, length));
    text.remove_prefix(length);
  }
  return true;
}

std::vector<Chunk> SplitDocuments(std::string_view text) {
  std::vector<Chunk> chunks;
  size_t begin = 0, at = 0;
  int line_number = 1, first_line = 1;
  bool only_preamble = true;
  auto cut = [&](size_t end, size_t next, int next_line) {
    if (end > begin) chunks.push_back({text.substr(begin, end - begin), first_line});
    begin = next;
    first_line = next_line;
  };
  while (at < text.size()) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    size_t next = end < text.size() ? end + 1 : end;
    if (IsMarker(line, "...")) {
      cut(at, next, line_number + 1);
      only_preamble = true;
    } else if (IsMarker(line, "---")) {
      if (!only_preamble) cut(at, at, line_number);
      only_preamble = false;
    } else if (!IsPreamble(line)) {
      only_preamble = false;
    }
    at = next;
    ++line_number;
  }
  cut(text.size(), text.size(), line_number);
  return chunks;
}

}  // namespace kpod::kube
