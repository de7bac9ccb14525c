// The request of an HTTP probe or hook, as bytes: what Go's net/url and net/http make of it. Pure.
// Source: k8s.io/kubernetes/pkg/probe/http/request.go.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kpod::pods {

struct Url {
  std::string scheme;     // http, https
  std::string host;       // a name or an address, without brackets
  int port = 0;           // the scheme's where none is named
  std::string authority;  // as it is written: "10.0.0.1:80", "[::1]:80", "web"
  std::string target;     // path and query, escaped: "/healthz?full=1"

  std::string Text() const;
};

// `path` is a path with or without a query; what is not allowed in a URL is escaped.
Url UrlFor(const std::string& scheme, const std::string& host, int port, const std::string& path);
// Where a response's Location leads that was asked for at `base`. nullopt: nowhere that can be
// understood.
std::optional<Url> Redirected(const Url& base, const std::string& location);
bool IsAbsolute(std::string_view location);  // has a scheme

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct RequestOptions {
  std::string user_agent;  // unless the headers have one
  std::string referer;     // "": none
  bool own_host = true;    // a Host among the headers counts
};
// Errors: a header that would break the request.
Result<std::string> RequestText(const Url& url, const HttpHeaders& headers,
                                const RequestOptions& options);

}  // namespace kpod::pods
