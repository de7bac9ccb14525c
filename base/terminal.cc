#include "base/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

namespace kpod {

Status OpenStandardStreams() {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below are open by now.
    if (::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return Error::Errno("/dev/null");
  }
  return OkStatus();
}

bool HasCursor(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool HasColours(int fd) {
  const char* none = std::getenv("NO_COLOR");
  return HasCursor(fd) && (none == nullptr || *none == '\0');
}

size_t TerminalColumns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

size_t TerminalRows(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_row;
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: no UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Character Decode(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  uint32_t code = lead & (0x7FU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    code = code << 6 | (next & 0x3F);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, bytes};
}

// Embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9), and its marks.
bool TurnsWriting(uint32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200E || code == 0x200F || code == 0x061C;
}

std::string ByteAsHex(char byte) { return "\\x" + Hex({&byte, 1}); }

}  // namespace

std::string Printable(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    Character c = Decode(text);
    std::string_view raw = text.substr(0, std::max<size_t>(c.bytes, 1));
    text.remove_prefix(raw.size());
    if (c.bytes == 0) {
      out += ByteAsHex(raw[0]);
    } else if (lines && (c.code == '\n' || c.code == '\t')) {
      out += raw;
    } else if (c.code == '\n' || c.code == '\r' || c.code == '\t') {
      out += c.code == '\n' ? "\\n" : c.code == '\r' ? "\\r" : "\\t";
    } else if (c.code < 0x20 || c.code == 0x7F) {
      out += {'^', static_cast<char>(c.code ^ 0x40)};
    } else if ((c.code >= 0x80 && c.code < 0xA0) || TurnsWriting(c.code)) {
      for (char byte : raw) out += ByteAsHex(byte);
    } else {
      out += raw;
    }
  }
  return out;
}

}  // namespace kpod
