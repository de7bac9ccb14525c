// A response as it comes in: its status, where it leads, the beginning of its body. All of it is
// bounded. http_parser is seen in http_response.cc only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod::pods {

class HttpResponse {
 public:
  static constexpr size_t kMostBody = 10 << 10;  // as much as the kubelet reads

  HttpResponse();
  ~HttpResponse();
  HttpResponse(const HttpResponse&) = delete;
  HttpResponse& operator=(const HttpResponse&) = delete;

  // The errors are those of Go's net/http.
  Status Feed(std::string_view bytes);
  Status End();  // the server has closed the connection

  bool has_headers() const;
  bool complete() const;  // or as much of it as is read
  int status() const;
  const std::string& location() const;  // "": none
  const std::string& body() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpod::pods
