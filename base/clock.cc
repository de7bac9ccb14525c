#include "base/clock.h"

#include <algorithm>
#include <ctime>
#include <limits>

#include "base/text.h"

namespace kpod {

namespace {
constexpr int64_t kSecond = 1'000'000'000;

int64_t Now(clockid_t clock) {
  timespec ts{};
  ::clock_gettime(clock, &ts);
  return ts.tv_sec * kSecond + ts.tv_nsec;
}

std::string Padded(int64_t n, size_t width) {
  std::string digits = StrCat(n);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}
}  // namespace

int64_t NowNanos() { return Now(CLOCK_REALTIME); }
int64_t MonotonicNanos() { return Now(CLOCK_MONOTONIC); }

std::string FormatTime(int64_t nanos) {
  time_t seconds = nanos / kSecond;
  tm t{};
  ::gmtime_r(&seconds, &t);
  return StrCat(Padded(t.tm_year + 1900, 4), "-", Padded(t.tm_mon + 1, 2), "-",
                Padded(t.tm_mday, 2), "T", Padded(t.tm_hour, 2), ":", Padded(t.tm_min, 2), ":",
                Padded(t.tm_sec, 2), "Z");
}

std::string FormatTimeNano(int64_t nanos) {
  std::string s = FormatTime(nanos);
  s.pop_back();
  return StrCat(s, ".", Padded(nanos % kSecond, 9), "Z");
}

std::optional<int64_t> ParseTime(std::string_view s) {
  auto number = [&](size_t at, size_t len) -> int {
    if (s.size() < at + len) return -1;
    auto n = ParseInt(s.substr(at, len));
    return n && *n >= 0 ? static_cast<int>(*n) : -1;
  };
  if (s.size() < 20 || s[4] != '-' || s[7] != '-' ||
      (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':' || s[16] != ':') {
    return std::nullopt;
  }
  tm t{};
  t.tm_year = number(0, 4) - 1900;
  t.tm_mon = number(5, 2) - 1;
  t.tm_mday = number(8, 2);
  t.tm_hour = number(11, 2);
  t.tm_min = number(14, 2);
  t.tm_sec = number(17, 2);
  if (t.tm_year < 0 || t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday < 1 || t.tm_mday > 31 ||
      t.tm_hour < 0 || t.tm_hour > 23 || t.tm_min < 0 || t.tm_min > 59 || t.tm_sec < 0 ||
      t.tm_sec > 60) {
    return std::nullopt;
  }
  // Nanoseconds end in 2262; what is later is as late as they can say.
  int64_t seconds =
      std::min<int64_t>(::timegm(&t), std::numeric_limits<int64_t>::max() / kSecond - 86'400);
  int64_t nanos = seconds * kSecond;
  s.remove_prefix(19);
  if (s.front() == '.') {
    s.remove_prefix(1);
    int64_t unit = kSecond / 10;
    size_t digits = 0;
    while (digits < s.size() && s[digits] >= '0' && s[digits] <= '9') {
      nanos += (s[digits] - '0') * unit;
      unit /= 10;
      ++digits;
    }
    if (digits == 0) return std::nullopt;
    s.remove_prefix(digits);
  }
  if (s == "Z" || s == "z") return nanos;
  if (s.size() != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':') return std::nullopt;
  auto hours = ParseInt(s.substr(1, 2));
  auto minutes = ParseInt(s.substr(4, 2));
  if (!hours || !minutes) return std::nullopt;
  int64_t offset = (*hours * 3600 + *minutes * 60) * kSecond;
  return s[0] == '+' ? nanos - offset : nanos + offset;
}

std::optional<int64_t> ParseDuration(std::string_view s) {
  bool negative = !s.empty() && s.front() == '-';
  if (negative) s.remove_prefix(1);
  if (s == "0") return 0;
  if (s.empty()) return std::nullopt;
  double total = 0;
  while (!s.empty()) {
    double n = 0;
    auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n, std::chars_format::fixed);
    if (ec != std::errc() || n < 0) return std::nullopt;
    s.remove_prefix(static_cast<size_t>(end - s.data()));
    size_t len = s.find_first_of("0123456789.");
    std::string_view unit = s.substr(0, len);
    double scale;
    if (unit == "ns")
      scale = 1;
    else if (unit == "us" || unit == "µs")
      scale = 1e3;
    else if (unit == "ms")
      scale = 1e6;
    else if (unit == "s")
      scale = 1e9;
    else if (unit == "m")
      scale = 60e9;
    else if (unit == "h")
      scale = 3600e9;
    else
      return std::nullopt;
    total += n * scale;
    s.remove_prefix(unit.size());
  }
  if (total > 9e18) return std::nullopt;
  auto nanos = static_cast<int64_t>(total);
  return negative ? -nanos : nanos;
}

std::string FormatDuration(int64_t nanos) {
  if (nanos == 0) return "0s";
  std::string out = nanos < 0 ? "-" : "";
  uint64_t left = nanos < 0 ? -static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  // A part of a unit is printed in the largest unit of which there is one.
  auto fraction = [&](uint64_t unit, std::string_view name) {
    std::string digits = StrCat(left % unit + unit).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    return StrCat(out, left / unit, digits.empty() ? "" : ".", digits, name);
  };
  if (left < 1'000) return StrCat(out, left, "ns");
  if (left < 1'000'000) return fraction(1'000, "µs");
  if (left < 1'000'000'000) return fraction(1'000'000, "ms");
  constexpr uint64_t kMinute = 60'000'000'000;
  if (uint64_t minutes = left / kMinute; minutes > 0) {
    if (minutes >= 60) out += StrCat(minutes / 60, "h");
    out += StrCat(minutes % 60, "m");
    left %= kMinute;
  }
  return fraction(1'000'000'000, "s");
}

// The thresholds of k8s.io/apimachinery/pkg/util/duration.HumanDuration.
std::string HumanDuration(int64_t nanos) {
  int64_t s = nanos / kSecond;
  if (s < 0) return "0s";
  if (s < 60 * 2) return StrCat(s, "s");
  int64_t m = s / 60;
  if (m < 10) return s % 60 == 0 ? StrCat(m, "m") : StrCat(m, "m", s % 60, "s");
  if (m < 60 * 3) return StrCat(m, "m");
  int64_t h = m / 60;
  if (h < 8) return m % 60 == 0 ? StrCat(h, "h") : StrCat(h, "h", m % 60, "m");
  if (h < 48) return StrCat(h, "h");
  int64_t d = h / 24;
  if (h < 192) return h % 24 == 0 ? StrCat(d, "d") : StrCat(d, "d", h % 24, "h");
  if (d < 365 * 2) return StrCat(d, "d");
  int64_t y = d / 365;
  if (d < 365 * 8) return d % 365 == 0 ? StrCat(y, "y") : StrCat(y, "y", d % 365, "d");
  return StrCat(y, "y");
}

}  // namespace kpod
