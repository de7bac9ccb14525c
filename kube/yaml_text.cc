#include "kube/yaml_text.h"

#include <algorithm>
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

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// `text` begins after the mark; half of a pair, or an odd byte at the end, becomes U+FFFD.
std::string FromUtf16(std::string_view text, bool little_endian) {
  std::string out;
  out.reserve(text.size());
  auto unit = [&](size_t i) {
    auto high = static_cast<unsigned char>(text[little_endian ? i + 1 : i]);
    auto low = static_cast<unsigned char>(text[little_endian ? i : i + 1]);
    return static_cast<uint32_t>(high << 8 | low);
  };
  size_t i = 0;
  for (; i + 1 < text.size(); i += 2) {
    uint32_t code = unit(i);
    bool has_next = i + 3 < text.size();
    if (code >= 0xD800 && code < 0xDC00 && has_next && (unit(i + 2) & 0xFC00) == 0xDC00) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    }
    AppendUtf8(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, &out);
  }
  if (i < text.size()) out += kReplacement;
  return out;
}

class Cleaner {
 public:
  Cleaner(std::string* out, std::vector<Problem>* problems) : out_(out), problems_(problems) {}

  bool Run(std::string_view text) {
    out_->reserve(text.size());
    while (!text.empty()) {
      size_t taken = Take(text);
      if (taken == 0) return false;
      text.remove_prefix(taken);
    }
    return true;
  }

 private:
  // The length of what was read at the front; 0: refused.
  size_t Take(std::string_view text) {
    if (text[0] == '\r' || text[0] == '\n') {
      out_->push_back('\n');
      ++line_;
      column_ = 1;
      return text.starts_with("\r\n") ? 2 : 1;
    }
    if (column_ == 1 && text.starts_with(kByteOrderMark)) return kByteOrderMark.size();
    size_t length = Utf8Length(text);
    if (length > 0 && IsControl(text, length)) {
      problems_->push_back({true, line_, column_, "", "control characters are not allowed"});
      return 0;
    }
    if (length == 0) {
      if (!replaced_) {
        problems_->push_back({false, line_, column_, "",
                              "the text is not UTF-8; what cannot be read becomes U+FFFD"});
      }
      replaced_ = true;
      *out_ += kReplacement;
      length = 1;
    } else {
      *out_ += text.substr(0, length);
    }
    ++column_;
    return length;
  }

  std::string* out_;
  std::vector<Problem>* problems_;
  int line_ = 1, column_ = 1;
  bool replaced_ = false;
};

}  // namespace

void AppendUtf8(uint32_t code, std::string* out) {
  auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (code >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | (code >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string ValidUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = Utf8Length(text);
    out += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

bool CleanText(std::string_view text, std::string* out, std::vector<Problem>* problems) {
  Cleaner cleaner(out, problems);
  bool little_endian = text.starts_with("\xFF\xFE");
  if (!little_endian && !text.starts_with("\xFE\xFF")) return cleaner.Run(text);
  return cleaner.Run(FromUtf16(text.substr(2), little_endian));
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
