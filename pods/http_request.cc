#include "pods/http_request.h"

#include <algorithm>

#include "base/text.h"
#include "pods/dialer.h"

namespace kpod::pods {

namespace {

bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// RFC 3986: what stands for itself in a path or a query.
bool IsPlain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-_.~!$&'()*+,;=:@/[]").find(c) != std::string_view::npos;
}

std::string Escape(std::string_view text, std::string_view also_plain) {
  std::string out;
  for (char c : text) {
    if (IsPlain(c) || also_plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += "%" + ToUpper(Hex({&c, 1}));
    }
  }
  return out;
}

// A % that begins no escape, or a control character.
bool IsBroken(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == '%' && (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])))
      return true;
  }
  return false;
}

std::string TargetOf(std::string_view path) {
  // Passed on as it is, as the kubelet does with a path that is none.
  if (IsBroken(path.substr(0, path.find('?'))))
    return (path.starts_with('/') ? "" : "/") + Escape(path, "");
  path = path.substr(0, path.find('#'));
  size_t mark = path.find('?');
  std::string out = Escape(path.substr(0, mark), "%");
  if (!out.starts_with('/')) out.insert(out.begin(), '/');
  if (mark != std::string_view::npos) out += Escape(path.substr(mark), "%?\"<>\\^`{|}");
  return out;
}

// Takes "http:" off; "" and untouched when there is none.
std::string TakeScheme(std::string_view* reference) {
  size_t colon = reference->find(':');
  if (colon == 0 || colon == std::string_view::npos) return "";
  std::string_view scheme = reference->substr(0, colon);
  bool is_scheme = std::isalpha(static_cast<unsigned char>(scheme[0])) != 0 &&
                   std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
                     return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
                   });
  if (!is_scheme) return "";
  std::string out = ToLower(scheme);
  reference->remove_prefix(colon + 1);
  return out;
}

// Takes "//host:port" off.
std::string_view TakeAuthority(std::string_view* reference) {
  reference->remove_prefix(2);
  size_t end = std::min(reference->find_first_of("/?#"), reference->size());
  std::string_view authority = reference->substr(0, end);
  reference->remove_prefix(end);
  return authority;
}

bool SetAuthority(std::string_view authority, Url* url) {
  if (size_t at = authority.rfind('@'); at != std::string_view::npos)
    authority.remove_prefix(at + 1);
  size_t bracket = authority.rfind(']');
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && bracket != std::string_view::npos && colon < bracket)
    colon = std::string_view::npos;
  std::string_view host = authority.substr(0, colon);
  url->port = url->scheme == "https" ? 443 : 80;
  if (colon != std::string_view::npos && colon + 1 < authority.size()) {
    std::optional<int64_t> port = ParseInt(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return false;
    url->port = static_cast<int>(*port);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  bool clean = !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return c > 0x20 && c != 0x7f && c != '[' && c != ']';
  });
  if (!clean) return false;
  url->host = host;
  url->authority = authority;
  return true;
}

// RFC 3986, 5.2.4.
std::string WithoutDots(std::string_view path) {
  std::vector<std::string> out;
  std::vector<std::string> segments = Split(path, '/');
  for (size_t i = 1; i < segments.size(); ++i) {
    bool last = i + 1 == segments.size();
    if (segments[i] == "..") {
      if (!out.empty()) out.pop_back();
      if (last) out.emplace_back();
    } else if (segments[i] == ".") {
      if (last) out.emplace_back();
    } else {
      out.push_back(segments[i]);
    }
  }
  return "/" + Join(out, "/");
}

// RFC 9110, 5.6.2.
bool IsToken(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

}  // namespace

std::string Url::Text() const { return StrCat(scheme, "://", authority, target); }

Url UrlFor(const std::string& scheme, const std::string& host, int port, const std::string& path) {
  std::string_view rest = path;
  // The handler's host and port count, whatever stands in a path that is a whole URL.
  if (!IsBroken(rest.substr(0, rest.find('?')))) {
    TakeScheme(&rest);
    if (rest.starts_with("//")) TakeAuthority(&rest);
  }
  return {ToLower(scheme), host, port, JoinHostPort(host, port), TargetOf(rest)};
}

std::optional<Url> Redirected(const Url& base, const std::string& location) {
  if (IsBroken(location)) return std::nullopt;
  std::string_view rest = location;
  Url out = base;
  std::string scheme = TakeScheme(&rest);
  if (!scheme.empty()) {
    if ((scheme != "http" && scheme != "https") || !rest.starts_with("//")) return std::nullopt;
    out.scheme = scheme;
  }
  if (rest.starts_with("//")) {
    if (!SetAuthority(TakeAuthority(&rest), &out)) return std::nullopt;
    out.target = "/";
  }
  rest = rest.substr(0, rest.find('#'));
  size_t mark = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, mark);
  std::string_view query = rest.substr(mark);
  std::string base_path = out.target.substr(0, out.target.find('?'));
  if (path.empty()) {
    if (!query.empty()) out.target = base_path + TargetOf(query).substr(1);
    return out;
  }
  std::string whole(path);
  if (!whole.starts_with('/')) whole = base_path.substr(0, base_path.rfind('/') + 1) + whole;
  out.target = TargetOf(StrCat(WithoutDots(whole), query));
  return out;
}

bool IsAbsolute(std::string_view location) { return !TakeScheme(&location).empty(); }

Result<std::string> RequestText(const Url& url, const HttpHeaders& headers,
                                const RequestOptions& options) {
  std::string host = url.authority;
  std::optional<std::string> user_agent, accept;
  bool has_host = false;
  bool has_connection = false;
  std::string fields;
  for (const auto& [name, value] : headers) {
    if (!IsToken(name)) return Error(StrCat("net/http: invalid header field name ", Quote(name)));
    if (!IsFieldValue(value))
      return Error(StrCat("net/http: invalid header field value for ", Quote(name)));
    std::string key = ToLower(name);
    std::string_view trimmed = Trim(value);
    if (key == "host") {
      if (options.own_host && !has_host && !trimmed.empty()) host = trimmed;
      has_host = true;
    } else if (key == "user-agent") {
      if (!user_agent) user_agent = trimmed;
    } else if (key == "accept" && !accept && trimmed.empty()) {
      accept = "";  // takes ours away, and those that follow
    } else if (key == "content-length" || key == "transfer-encoding" || key == "trailer") {
      continue;  // a request without a body
    } else if (key != "accept" || !accept || !accept->empty()) {
      if (key == "accept") accept = trimmed;
      if (key == "connection") has_connection = true;
      fields += StrCat(name, ": ", trimmed, "\r\n");
    }
  }
  if (Contains(host, " ") || Contains(host, "\t")) return Error("http: invalid Host header");
  std::string out = StrCat("GET ", url.target, " HTTP/1.1\r\nHost: ", host, "\r\n");
  if (!user_agent) user_agent = options.user_agent;
  if (!user_agent->empty()) out += StrCat("User-Agent: ", *user_agent, "\r\n");
  out += fields;
  if (!accept) out += "Accept: */*\r\n";
  if (!has_connection) out += "Connection: close\r\n";
  if (!options.referer.empty()) out += StrCat("Referer: ", options.referer, "\r\n");
  return out + "\r\n";
}

}  // namespace kpod::pods
