#include "kube/rules_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace kpod::kube::rules {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLowerAlnum(char c) { return IsLower(c) || IsDigit(c); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z'); }

std::string MaxLength(size_t n) { return StrCat("must be no more than ", n, " bytes"); }

bool LooksLikeLabel(std::string_view s) {
  return !s.empty() && IsLowerAlnum(s.front()) && IsLowerAlnum(s.back()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

bool LooksLikeSubdomain(std::string_view s) {
  while (true) {
    size_t dot = s.find('.');
    if (!LooksLikeLabel(s.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    s.remove_prefix(dot + 1);
  }
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool LooksLikeName(std::string_view s) {
  return !s.empty() && IsAlnum(s.front()) && IsAlnum(s.back()) &&
         std::all_of(s.begin(), s.end(),
                     [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

constexpr std::string_view kLabelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kNameFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

std::string SubdomainFormat() { return StrCat(kLabelFormat, "(\\.", kLabelFormat, ")*"); }

// Two complaints are one sentence.
std::string Both(std::string a, const std::string& b) {
  if (!a.empty() && !b.empty()) a += ", ";
  return a + b;
}

}  // namespace

std::string IsDns1123Label(std::string_view s) {
  if (s.size() > 63) return MaxLength(63);
  if (LooksLikeLabel(s)) return "";
  return StrCat(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
      "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
      "used for validation is '",
      kLabelFormat, "')");
}

std::string IsDns1123Subdomain(std::string_view s) {
  if (s.size() > 253) return MaxLength(253);
  if (LooksLikeSubdomain(s)) return "";
  return StrCat(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
      "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
      "for validation is '",
      SubdomainFormat(), "')");
}

std::string IsWildcardDns1123Subdomain(std::string_view s) {
  if (s.size() > 253) return MaxLength(253);
  if (s.starts_with("*.") && LooksLikeSubdomain(s.substr(2))) return "";
  return StrCat(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
      "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
      "alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.",
      SubdomainFormat(), "')");
}

std::string IsDns1035Label(std::string_view s) {
  if (s.size() > 63) return MaxLength(63);
  if (LooksLikeLabel(s) && IsLower(s.front())) return "";
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
         "an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
         "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}

std::string IsQualifiedName(std::string_view s) {
  std::string_view name = s;
  if (size_t slash = s.find('/'); slash != std::string_view::npos) {
    std::string_view prefix = s.substr(0, slash);
    name = s.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return StrCat(
          "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must "
          "start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
          "'123-abc', regex used for validation is '",
          kNameFormat,
          "') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    }
    if (prefix.empty()) return "prefix part must be non-empty";
    if (std::string why = IsDns1123Subdomain(prefix); !why.empty()) {
      return StrCat("prefix part ", why);
    }
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > 63) return StrCat("name part ", MaxLength(63));
  if (LooksLikeName(name)) return "";
  return StrCat(
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
      "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used "
      "for validation is '",
      kNameFormat, "')");
}

std::string IsLabelValue(std::string_view s) {
  if (s.size() > 63) return MaxLength(63);
  if (s.empty() || LooksLikeName(s)) return "";
  return StrCat(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
      "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
      "'my_value',  or '12345', regex used for validation is '(",
      kNameFormat, ")?')");
}

std::string IsPathSegmentName(std::string_view s) {
  if (s == "." || s == "..") return StrCat("may not be '", s, "'");
  for (char c : {'/', '%'}) {
    if (s.find(c) != std::string_view::npos) return StrCat("may not contain '", c, "'");
  }
  return "";
}

std::string IsPortName(std::string_view s) {
  std::string why;
  if (s.size() > 15) why = "must be no more than 15 bytes";
  if (!std::all_of(s.begin(), s.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; })) {
    why = Both(why, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::none_of(s.begin(), s.end(), IsLower)) {
    why = Both(why, "must contain at least one letter (a-z)");
  }
  if (Contains(s, "--")) why = Both(why, "must not contain consecutive hyphens");
  if (!s.empty() && (s.front() == '-' || s.back() == '-')) {
    why = Both(why, "must not begin or end with a hyphen");
  }
  return why;
}

std::string IsEnvVarName(std::string_view s) {
  bool right = !s.empty() && std::all_of(s.begin(), s.end(),
                                         [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  if (right) return "";
  return "a valid environment variable name must consist only of printable ASCII characters other "
         "than '='";
}

std::string IsConfigMapKey(std::string_view s) {
  if (s.size() > 253) return MaxLength(253);
  bool right = !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return IsAlnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!right) {
    return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
           "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
           "'[-._a-zA-Z0-9]+')";
  }
  if (s == ".") return "must not be '.'";
  if (s == "..") return "must not be '..'";
  if (s.starts_with("..")) return "must not start with '..'";
  return "";
}

std::string IsHttpHeaderName(std::string_view s) {
  bool right =
      !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return IsAlnum(c) || c == '-'; });
  if (right) return "";
  return "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
         "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
}

std::string IsPercent(std::string_view s) {
  if (s.size() > 1 && s.back() == '%' && std::all_of(s.begin(), s.end() - 1, IsDigit)) return "";
  return "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  "
         "or '93%', regex used for validation is '[0-9]+%')";
}

std::string IsSysctlName(std::string_view s) {
  constexpr std::string_view kSegment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
  bool right = !s.empty() && s.size() <= 253;
  std::string_view rest = s;
  while (right) {
    size_t end = rest.find_first_of("./");
    std::string_view part = rest.substr(0, end);
    right = !part.empty() && IsLowerAlnum(part.front()) && IsLowerAlnum(part.back()) &&
            std::all_of(part.begin(), part.end(),
                        [](char c) { return IsLowerAlnum(c) || c == '-' || c == '_'; });
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (right) return "";
  return StrCat("must have at most 253 characters and match regex ^(", kSegment, "[\\./])*",
                kSegment, "$");
}

std::string ParseIp(std::string_view s) {
  unsigned char bytes[16];
  std::string text(s);
  if (text.size() != s.size() || text.find('\0') != std::string::npos) return "";
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) {
    return std::string(reinterpret_cast<char*>(bytes), 4);
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) {
    return std::string(reinterpret_cast<char*>(bytes), 16);
  }
  return "";
}

std::string IsIp(std::string_view s) {
  if (!ParseIp(s).empty()) return "";
  return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
}

namespace {

struct Cidr {
  std::string bytes;
  int prefix;
};

std::optional<Cidr> ParseCidr(std::string_view s) {
  size_t slash = s.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string bytes = ParseIp(s.substr(0, slash));
  std::string_view length = s.substr(slash + 1);
  if (bytes.empty() || length.empty() || length.size() > 3 ||
      !std::all_of(length.begin(), length.end(), IsDigit)) {
    return std::nullopt;
  }
  int64_t prefix = ParseInt(length).value_or(-1);
  if (prefix < 0 || prefix > static_cast<int64_t>(bytes.size()) * 8) return std::nullopt;
  return Cidr{bytes, static_cast<int>(prefix)};
}

}  // namespace

std::string IsCidr(std::string_view s) {
  if (ParseCidr(s)) return "";
  return "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
}

bool IsStrictlyWithin(std::string_view inner, std::string_view outer) {
  auto a = ParseCidr(inner);
  auto b = ParseCidr(outer);
  if (!a || !b || a->bytes.size() != b->bytes.size() || a->prefix <= b->prefix) return false;
  for (int bit = 0; bit < b->prefix; ++bit) {
    int mask = 0x80 >> (bit % 8);
    size_t byte = static_cast<size_t>(bit / 8);
    if ((a->bytes[byte] & mask) != (b->bytes[byte] & mask)) return false;
  }
  return true;
}

std::string HasNoBacksteps(std::string_view s) {
  for (const std::string& part : Split(s, '/')) {
    if (part == "..") return "must not contain '..'";
  }
  return "";
}

std::string IsRelativePath(std::string_view s) {
  if (s.starts_with("/")) return "must be a relative path";
  return HasNoBacksteps(s);
}

std::string IsRelativeUnreservedPath(std::string_view s) {
  std::string why = IsRelativePath(s);
  // "../x" has been named already.
  if (why.empty() && s.starts_with("..")) why = "must not start with '..'";
  return why;
}

std::string IsSearchDomain(std::string_view s) {
  if (s == ".") return "";
  if (s.ends_with(".")) s.remove_suffix(1);
  std::string relaxed(s);
  // libc takes names such as "_tcp.example.com", so resolv.conf may hold them.
  std::replace(relaxed.begin(), relaxed.end(), '_', 'x');
  return IsDns1123Subdomain(relaxed);
}

}  // namespace kpod::kube::rules
