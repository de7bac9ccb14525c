#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/tar.h"
#include "base/tar_header.h"
#include "base/text.h"

namespace kpod {

using namespace tar;

namespace {

constexpr uint64_t kMaxExtension = 1 << 20;  // long names, pax headers

template <size_t N>
std::string TextOf(const char (&field)[N]) {
  return std::string(field, ::strnlen(field, N));
}

// Octal with blanks around it, or GNU's base 256 when the highest bit of the first byte is set.
template <size_t N>
std::optional<int64_t> NumberOf(const char (&field)[N]) {
  auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80) != 0) {
    bool negative = (first & 0x40) != 0;
    int64_t value = negative ? -1 : 0;
    for (size_t i = 0; i < N; ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = negative ? byte : byte & 0x7f;
      if (value > (INT64_MAX >> 8) || value < (INT64_MIN >> 8)) return std::nullopt;
      value = value * 256 + byte;
    }
    return value;
  }
  std::string text = TextOf(field);
  std::string_view digits = Trim(text);
  int64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '7' || value > (INT64_MAX >> 3)) return std::nullopt;
    value = value * 8 + (c - '0');
  }
  return value;
}

Result<Pax> ParsePax(std::string_view text) {
  Pax out;
  while (!text.empty()) {
    size_t blank = text.find(' ');
    auto length = blank == std::string_view::npos ? std::nullopt : ParseInt(text.substr(0, blank));
    if (!length || *length <= static_cast<int64_t>(blank) + 2 ||
        static_cast<uint64_t>(*length) > text.size() ||
        text[static_cast<size_t>(*length) - 1] != '\n') {
      return Error("tar: a pax header is damaged");
    }
    auto end = static_cast<size_t>(*length);
    std::string_view record = text.substr(blank + 1, end - blank - 2);
    size_t equals = record.find('=');
    if (equals == std::string_view::npos) return Error("tar: a pax header is damaged");
    out[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(end);
  }
  return out;
}

std::optional<int64_t> ParsePaxTime(const std::string& text) {
  size_t dot = text.find('.');
  auto seconds = ParseInt(std::string_view(text).substr(0, dot));
  if (!seconds || *seconds > INT64_MAX / kNanos - 1 || *seconds < INT64_MIN / kNanos + 1)
    return std::nullopt;
  if (dot == std::string::npos) return *seconds * kNanos;
  std::string digits = text.substr(dot + 1, 9);
  digits.append(9 - digits.size(), '0');
  auto fraction = ParseInt(digits);
  if (!fraction || *fraction < 0) return std::nullopt;
  return *seconds * kNanos + (text[0] == '-' ? -*fraction : *fraction);
}

std::optional<TarEntry::Type> TypeOf(char type) {
  if (type == '\0' || type == '7') return TarEntry::Type::kFile;
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == type) return static_cast<TarEntry::Type>(i);
  }
  return std::nullopt;
}

Result<TarEntry> Decode(const Header& h, const Pax& pax) {
  auto given = [&](const char* key) -> const std::string* {
    auto it = pax.find(key);
    return it == pax.end() ? nullptr : &it->second;
  };
  TarEntry e;
  auto type = TypeOf(h.type);
  if (!type) return Error(StrCat("tar: entries of type ", Quote({&h.type, 1}), " are not known"));
  e.type = *type;
  e.path = TextOf(h.name);
  bool ustar = std::memcmp(h.magic, "ustar\0", 6) == 0;  // GNU's own header has no prefix
  std::string prefix = ustar ? TextOf(h.prefix) : "";
  if (!prefix.empty()) e.path = prefix + "/" + e.path;
  if (const std::string* path = given("path")) e.path = *path;
  e.link = given("linkpath") != nullptr ? *given("linkpath") : TextOf(h.link);
  if (Contains(e.path, std::string_view("\0", 1)) || Contains(e.link, std::string_view("\0", 1)))
    return Error("tar: a name is damaged");
  for (const auto& [key, value] : pax) {
    if (key.starts_with("GNU.sparse.")) return Error(e.path + ": sparse entries are not supported");
  }
  auto number = [&](const char* key, std::optional<int64_t> field) {
    const std::string* text = given(key);
    return text == nullptr ? field : ParseInt(*text);
  };
  auto mode = NumberOf(h.mode);
  auto uid = number("uid", NumberOf(h.uid));
  auto gid = number("gid", NumberOf(h.gid));
  auto size = number("size", NumberOf(h.size));
  auto seconds = NumberOf(h.mtime);
  auto major = NumberOf(h.major).value_or(0);
  auto minor = NumberOf(h.minor).value_or(0);
  bool good = mode && uid && gid && size && seconds && std::in_range<uid_t>(*uid) &&
              std::in_range<gid_t>(*gid) && *size >= 0 && std::in_range<uint32_t>(major) &&
              std::in_range<uint32_t>(minor);
  if (!good || e.path.empty()) return Error(StrCat("tar: the header of ", e.path, " is damaged"));
  e.mode = static_cast<mode_t>(*mode & 07777);
  e.uid = static_cast<uid_t>(*uid);
  e.gid = static_cast<gid_t>(*gid);
  e.major = static_cast<uint32_t>(major);
  e.minor = static_cast<uint32_t>(minor);
  int64_t bounded = std::clamp<int64_t>(*seconds, -(INT64_MAX / kNanos), INT64_MAX / kNanos);
  e.mtime_nanos = bounded * kNanos;
  if (const std::string* time = given("mtime"))
    e.mtime_nanos = ParsePaxTime(*time).value_or(e.mtime_nanos);
  // Before POSIX, a directory was a file whose name ends so.
  if (e.type == TarEntry::Type::kFile && e.path.ends_with('/')) e.type = TarEntry::Type::kDirectory;
  if (e.type == TarEntry::Type::kFile) e.size = static_cast<uint64_t>(*size);
  return e;
}

}  // namespace

Status TarReader::Fill() {
  if (at_ < filled_) return OkStatus();
  buffer_.resize(kBuffer);
  ssize_t n;
  do {
    n = ::read(fd_, buffer_.data(), buffer_.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Error::Errno("tar: read");
  at_ = 0;
  filled_ = static_cast<size_t>(n);
  return OkStatus();
}

Status TarReader::ReadBlock(char* block, bool* end) {
  size_t have = 0;
  while (have < kBlock) {
    TRY(Fill());
    if (at_ == filled_) {
      *end = have == 0;
      return have == 0 ? OkStatus() : Error("tar: ends in the middle of a header");
    }
    size_t n = std::min(kBlock - have, filled_ - at_);
    std::memcpy(block + have, buffer_.data() + at_, n);
    have += n;
    at_ += n;
  }
  return OkStatus();
}

Status TarReader::Skip(uint64_t bytes) {
  while (bytes > 0) {
    TRY(Fill());
    if (at_ == filled_) return Error("tar: ends in the middle of an entry");
    uint64_t n = std::min<uint64_t>(bytes, filled_ - at_);
    at_ += n;
    bytes -= n;
  }
  return OkStatus();
}

Result<std::string_view> TarReader::Data() {
  if (left_ == 0) return std::string_view();
  TRY(Fill());
  if (at_ == filled_) return Error("tar: ends in the middle of an entry");
  size_t n = static_cast<size_t>(std::min<uint64_t>(left_, filled_ - at_));
  std::string_view piece(buffer_.data() + at_, n);
  at_ += n;
  left_ -= n;
  return piece;
}

Status TarReader::Drain() {
  do {
    at_ = filled_;
    TRY(Fill());
  } while (filled_ > 0);
  return OkStatus();
}

Result<std::string> TarReader::ReadExtension(uint64_t size) {
  if (size > kMaxExtension) return Error("tar: a header is too long");
  std::string out;
  left_ = size;
  for (;;) {
    std::string_view piece = TRY(Data());
    if (piece.empty()) break;
    out += piece;
  }
  TRY(Skip(PaddingOf(size)));
  return out;
}

Result<std::optional<TarEntry>> TarReader::Next() {
  TRY(Skip(std::exchange(left_, 0)));
  TRY(Skip(std::exchange(padding_, 0)));
  Pax pax;
  for (;;) {
    Header h;
    auto* block = reinterpret_cast<char*>(&h);
    bool end = false;
    TRY(ReadBlock(block, &end));
    if (end) return std::optional<TarEntry>();
    if (std::all_of(block, block + kBlock, [](char c) { return c == '\0'; })) {
      whole_ = true;
      return std::optional<TarEntry>();
    }
    auto checksum = NumberOf(h.checksum);
    if (!checksum || *checksum != Checksum(block)) return Error("tar: not a tar archive");
    if (h.type != 'x' && h.type != 'g' && h.type != 'L' && h.type != 'K' && h.type != 'V') {
      TarEntry entry = TRY(Decode(h, pax));
      left_ = entry.size;
      padding_ = PaddingOf(entry.size);
      return std::optional<TarEntry>(std::move(entry));
    }
    auto size = NumberOf(h.size);
    if (!size || *size < 0) return Error("tar: a header is damaged");
    std::string text = TRY(ReadExtension(static_cast<uint64_t>(*size)));
    if (h.type == 'x') {
      for (auto& [key, value] : TRY(ParsePax(text))) pax[key] = value;
    } else if (h.type == 'L' || h.type == 'K') {
      pax[h.type == 'L' ? "path" : "linkpath"] = text.substr(0, text.find('\0'));
    }
  }
}

}  // namespace kpod
