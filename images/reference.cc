// The grammar of image references, as github.com/distribution/reference documents it:
//   reference := [domain '/'] path [':' tag] ['@' digest]
#include <algorithm>

#include "base/text.h"
#include "images/images.h"

namespace kpod::images {

namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOfficial = "library/";

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsAlnum(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

bool AllOf(std::string_view s, bool (*is)(char)) { return std::all_of(s.begin(), s.end(), is); }

// [a-z0-9]+ ( ('.' | '_' | '__' | '-'+) [a-z0-9]+ )*
bool IsPathComponent(std::string_view s) {
  auto inner = [](char c) { return IsLower(c) || IsDigit(c); };
  size_t i = 0;
  for (;;) {
    size_t start = i;
    while (i < s.size() && inner(s[i])) ++i;
    if (i == start) return false;
    if (i == s.size()) return true;
    size_t mark = i;
    while (i < s.size() && !inner(s[i])) ++i;
    std::string_view separator = s.substr(mark, i - mark);
    bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
  }
}

bool IsDomainComponent(std::string_view s) {
  if (s.empty() || s.front() == '-' || s.back() == '-') return false;
  return AllOf(s, [](char c) { return IsAlnum(c) || c == '-'; });
}

bool IsDomain(std::string_view s) {
  std::string_view host = s;
  size_t colon = s.rfind(':');
  size_t bracket = s.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    std::string_view port = s.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !AllOf(port, IsDigit)) return false;
    host = s.substr(0, colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return AllOf(host.substr(1, host.size() - 2),
                 [](char c) { return IsHex(c) || c == ':' || (c >= 'A' && c <= 'F'); });
  }
  if (host.empty()) return false;
  for (const std::string& part : Split(host, '.')) {
    if (!IsDomainComponent(part)) return false;
  }
  return host.back() != '.';
}

bool IsTag(std::string_view s) {
  if (s.empty() || s.size() > 128 || s.front() == '.' || s.front() == '-') return false;
  return AllOf(s, [](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

// The sentence that tells what is wrong with a digest, or "".
std::string WrongDigest(std::string_view s) {
  size_t colon = s.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return "its digest has no algorithm (want sha256:...)";
  }
  std::string_view algorithm = s.substr(0, colon), hex = s.substr(colon + 1);
  size_t want = algorithm == "sha256" ? 64 : algorithm == "sha512" ? 128 : 0;
  if (want == 0) return StrCat("its digest algorithm ", Quote(algorithm), " is not supported");
  if (hex.size() != want || !AllOf(hex, IsHex)) {
    return StrCat("its ", algorithm, " digest must be ", want, " lower-case hexadecimal digits");
  }
  return "";
}

Error Wrong(std::string_view text, std::string_view why) {
  return Error(StrCat("invalid image reference ", Quote(text), ": ", why));
}

}  // namespace

std::string Reference::ToString() const {
  return StrCat(domain, "/", path, tag.empty() ? "" : ":", tag, digest.empty() ? "" : "@", digest);
}

std::string Reference::Familiar() const {
  std::string name = domain == kDefaultDomain ? path : StrCat(domain, "/", path);
  // "docker.io/library/a/b" may not become "a/b": that would be read as docker.io/a/b.
  if (domain == kDefaultDomain && path.starts_with(kOfficial) &&
      path.find('/', kOfficial.size()) == std::string::npos) {
    name = path.substr(kOfficial.size());
  }
  return StrCat(name, tag.empty() ? "" : ":", tag, digest.empty() ? "" : "@", digest);
}

Result<Reference> ParseReference(std::string_view text) {
  Reference r;
  std::string_view rest = text;
  if (rest.empty()) return Wrong(text, "it is empty");
  if (rest.size() > 1024) return Wrong(text.substr(0, 64), "it is longer than 1024 bytes");
  if (size_t at = rest.find('@'); at != std::string_view::npos) {
    r.digest = rest.substr(at + 1);
    if (std::string why = WrongDigest(r.digest); !why.empty()) return Wrong(text, why);
    rest = rest.substr(0, at);
  }
  size_t slash = rest.rfind('/');
  size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    r.tag = rest.substr(colon + 1);
    if (!IsTag(r.tag)) {
      return Wrong(text,
                   StrCat("its tag ", Quote(r.tag), " must be 1 to 128 of [A-Za-z0-9_.-] and ",
                          "start with a letter, a digit or _"));
    }
    rest = rest.substr(0, colon);
  }
  // The first part is a domain when it looks like one; "foo/bar" is docker.io's.
  size_t first = rest.find('/');
  std::string_view head = rest.substr(0, first);
  if (first != std::string_view::npos &&
      (head.find_first_of(".:[") != std::string_view::npos || head == "localhost" ||
       std::any_of(head.begin(), head.end(), IsUpper))) {
    r.domain = head;
    r.path = rest.substr(first + 1);
    if (!IsDomain(r.domain)) return Wrong(text, StrCat(Quote(r.domain), " is no host name"));
    if (r.domain == "index.docker.io") r.domain = kDefaultDomain;
  } else {
    r.domain = kDefaultDomain;
    r.path = rest;
  }
  if (r.path.empty()) return Wrong(text, "it has no repository name");
  if (std::any_of(r.path.begin(), r.path.end(), IsUpper)) {
    return Wrong(text, "the repository name must be in lower case");
  }
  if (r.path.size() == 64 && AllOf(r.path, IsHex) && r.domain == kDefaultDomain) {
    return Wrong(text, "64 hexadecimal digits are an image ID and no name");
  }
  for (const std::string& part : Split(r.path, '/')) {
    if (part.empty()) return Wrong(text, "the repository name has an empty part");
    if (!IsPathComponent(part)) {
      return Wrong(text,
                   StrCat(Quote(part), " is no repository name (want letters and digits, with ",
                          "single . or _ or dashes between them)"));
    }
  }
  if (r.domain == kDefaultDomain && r.path.find('/') == std::string::npos) {
    r.path = StrCat(kOfficial, r.path);
  }
  if (r.domain.size() + 1 + r.path.size() > 255) {
    return Wrong(text, "the repository name is longer than 255 bytes");
  }
  if (r.tag.empty() && r.digest.empty()) r.tag = "latest";
  return r;
}

}  // namespace kpod::images
