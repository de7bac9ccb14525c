#include "kube/quantity.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/text.h"

namespace kpod::kube {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
// An exponent beyond this is as good as infinite, and sums of two of them cannot overflow.
constexpr int64_t kExponentLimit = int64_t{1} << 40;

enum class Format { kDecimalSi, kBinarySi, kDecimalExponent };

struct Suffix {
  Format format = Format::kDecimalSi;
  int64_t exponent = 0;  // of 10, or of 2 for kBinarySi
};

struct Named {
  std::string_view name;
  int exponent;
};
constexpr std::array<Named, 10> kDecimal = {{{"n", -9},
                                             {"u", -6},
                                             {"m", -3},
                                             {"", 0},
                                             {"k", 3},
                                             {"M", 6},
                                             {"G", 9},
                                             {"T", 12},
                                             {"P", 15},
                                             {"E", 18}}};
constexpr std::array<Named, 6> kBinary = {
    {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<Suffix> ParseSuffix(std::string_view s) {
  for (const Named& n : kDecimal) {
    if (s == n.name) return Suffix{Format::kDecimalSi, n.exponent};
  }
  for (const Named& n : kBinary) {
    if (s == n.name) return Suffix{Format::kBinarySi, n.exponent};
  }
  if (s.size() < 2 || (s[0] != 'e' && s[0] != 'E')) return std::nullopt;
  s.remove_prefix(1);
  bool negative = s[0] == '-';
  if (s[0] == '-' || s[0] == '+') s.remove_prefix(1);
  if (s.empty() || !std::all_of(s.begin(), s.end(), IsDigit)) return std::nullopt;
  int64_t exponent = 0;
  for (char c : s) exponent = std::min(kExponentLimit, exponent * 10 + (c - '0'));
  return Suffix{Format::kDecimalExponent, negative ? -exponent : exponent};
}

// A number without sign as decimal digits, exactly: 0.d1d2d3... times 10^point. No leading and no
// trailing zeros; zero has no digits.
struct Digits {
  std::string digits;
  int64_t point = 0;

  void Trim() {
    size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    digits.erase(0, zeros);
    point -= static_cast<int64_t>(zeros);
    digits.erase(digits.find_last_not_of('0') + 1);
  }
  void MultiplyBy1024() {
    int carry = 0;
    for (size_t i = digits.size(); i-- > 0;) {
      int v = (digits[i] - '0') * 1024 + carry;
      digits[i] = static_cast<char>('0' + v % 10);
      carry = v / 10;
    }
    std::string front = std::to_string(carry);
    digits.insert(0, front);
    point += static_cast<int64_t>(front.size());
    Trim();
  }
  // Keeps nine digits after the point; anything beyond rounds up.
  void RoundUpToNano() {
    if (digits.empty() || point + 9 >= static_cast<int64_t>(digits.size())) return;
    if (point + 9 <= 0) {
      digits = "1";
      point = -8;
      return;
    }
    digits.resize(static_cast<size_t>(point + 9));
    size_t i = digits.size();
    while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
    if (i > 0) {
      ++digits[i - 1];
    } else {
      digits.insert(0, "1");
      ++point;
    }
    Trim();
  }
  // The integer part, saturated, and the nanos.
  void Split(int64_t* units, int64_t* nanos) const {
    auto digit = [this](int64_t i) {
      return i >= 0 && i < static_cast<int64_t>(digits.size())
                 ? digits[static_cast<size_t>(i)] - '0'
                 : 0;
    };
    *units = *nanos = 0;
    if (digits.empty()) return;
    if (point > 19) {
      *units = kMax;
      return;
    }
    for (int64_t i = 0; i < point; ++i) {
      if (*units > (kMax - digit(i)) / 10) {
        *units = kMax;
        return;
      }
      *units = *units * 10 + digit(i);
    }
    for (int64_t i = point; i < point + 9; ++i) *nanos = *nanos * 10 + digit(i);
  }
};

std::string BinaryText(int64_t units) {
  size_t power = 0;
  while (power < kBinary.size() && units % 1024 == 0) {
    units /= 1024;
    ++power;
  }
  return StrCat(units, power == 0 ? std::string_view() : kBinary[power - 1].name);
}

// No trailing zeros in the mantissa, and an exponent that is a multiple of three.
std::string DecimalText(const Digits& d, Format format) {
  int64_t exponent = d.point - static_cast<int64_t>(d.digits.size());
  int64_t rest = ((exponent % 3) + 3) % 3;
  exponent -= rest;
  if (format == Format::kDecimalSi && exponent > 18) {  // beyond E there is no suffix
    rest += exponent - 18;
    exponent = 18;
  }
  std::string out = d.digits + std::string(static_cast<size_t>(rest), '0');
  if (format == Format::kDecimalExponent) return exponent == 0 ? out : StrCat(out, "e", exponent);
  for (const Named& n : kDecimal) {
    if (n.exponent == exponent) out += n.name;
  }
  return out;
}

Error WrongFormat() {
  return Error(
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

Quantity Make(Digits d, bool negative, Suffix suffix) {
  d.Trim();
  if (suffix.format == Format::kBinarySi) {
    for (int64_t i = 0; i < suffix.exponent && !d.digits.empty(); i += 10) d.MultiplyBy1024();
  } else {
    d.point += suffix.exponent;
  }
  d.RoundUpToNano();
  Quantity q;
  if (d.digits.empty()) {
    q.text = "0";
    return q;
  }
  d.Split(&q.units, &q.nanos);
  // Small or fractional binary quantities are shown in decimal, so that nothing is lost.
  bool binary = suffix.format == Format::kBinarySi && q.units >= 1024 && q.nanos == 0;
  if (suffix.format == Format::kBinarySi && !binary) suffix.format = Format::kDecimalSi;
  q.text =
      StrCat(negative ? "-" : "", binary ? BinaryText(q.units) : DecimalText(d, suffix.format));
  if (negative) {
    q.units = -q.units;
    q.nanos = -q.nanos;
  }
  return q;
}

}  // namespace

int64_t Quantity::Value() const {
  if (nanos > 0) return units == kMax ? kMax : units + 1;
  if (nanos < 0) return units == -kMax ? -kMax : units - 1;
  return units;
}

int64_t Quantity::MilliValue() const {
  __int128 value = static_cast<__int128>(units) * 1'000'000'000 + nanos;
  __int128 milli = value / 1'000'000;
  if (value % 1'000'000 != 0) milli += value > 0 ? 1 : -1;
  return static_cast<int64_t>(std::clamp<__int128>(milli, -kMax, kMax));
}

Result<Quantity> ParseQuantity(std::string_view text) {
  if (text.empty()) return WrongFormat();
  std::string_view rest = text;
  bool negative = rest[0] == '-';
  if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
  auto take_digits = [&rest] {
    size_t n = 0;
    while (n < rest.size() && IsDigit(rest[n])) ++n;
    std::string_view taken = rest.substr(0, n);
    rest.remove_prefix(n);
    return taken;
  };
  std::string_view whole = take_digits();
  std::string_view fraction;
  bool dot = !rest.empty() && rest[0] == '.';
  if (dot) {
    rest.remove_prefix(1);
    fraction = take_digits();
  }
  if (whole.empty() && fraction.empty()) return WrongFormat();
  std::string_view after = rest;
  after.remove_prefix(std::min(after.find_first_not_of("eEinumkKMGTP"), after.size()));
  if (!after.empty() && (after[0] == '-' || after[0] == '+')) after.remove_prefix(1);
  if (!std::all_of(after.begin(), after.end(), IsDigit)) return WrongFormat();
  std::optional<Suffix> suffix = ParseSuffix(rest);
  if (!suffix) return Error("unable to parse quantity's suffix");
  return Make(Digits{StrCat(whole, fraction), static_cast<int64_t>(whole.size())}, negative,
              *suffix);
}

Quantity Add(const Quantity& a, const Quantity& b) {
  __int128 nanos = static_cast<__int128>(a.units) * 1'000'000'000 + a.nanos +
                   static_cast<__int128>(b.units) * 1'000'000'000 + b.nanos;
  constexpr __int128 kNanosPerUnit = 1'000'000'000;
  __int128 units = std::clamp<__int128>(nanos / kNanosPerUnit, -kMax, kMax);
  bool binary = a.text.ends_with('i') || (a.Sign() == 0 && b.text.ends_with('i'));
  std::string text;
  if (units == kMax || units == -kMax) {
    text = StrCat(static_cast<int64_t>(units));
  } else if (nanos % kNanosPerUnit != 0) {
    // Less than a day's worth of units has a fraction in practice; beyond, it does not matter.
    bool fits = nanos > -kMax && nanos < kMax;
    text = fits ? StrCat(static_cast<int64_t>(nanos), "n") : StrCat(static_cast<int64_t>(units));
  } else if (binary && units % 1024 == 0) {
    text = StrCat(static_cast<int64_t>(units / 1024), "Ki");
  } else {
    text = StrCat(static_cast<int64_t>(units));
  }
  return ParseQuantity(text).value_or(a);
}

Result<Quantity> QuantityFrom(const Json& value) {
  if (value.is_string())
    return ParseQuantity(std::string_view(value.get_ref<const std::string&>()));
  if (value.is_number()) return ParseQuantity(std::string_view(Dump(value)));
  return WrongFormat();
}

}  // namespace kpod::kube
