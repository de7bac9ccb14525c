// The client's side of TLS over a non-blocking socket, without asking who the server is: the
// kubelet's probes do not, either. OpenSSL is seen in tls_client.cc only, and set up when the first
// of these is made.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod::pods {

enum class Io { kDone, kWantsRead, kWantsWrite };

class TlsClient {
 public:
  // `socket` outlives it. `server_name`: sent unless it is an address.
  static Result<std::unique_ptr<TlsClient>> Create(int socket, const std::string& server_name);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  Result<Io> Handshake();
  Result<Io> Read(char* buffer, size_t size, size_t* n);  // 0 bytes: the end
  Result<Io> Write(std::string_view bytes, size_t* n);
  // The handshake failed since the other side speaks plain HTTP.
  bool peer_speaks_http() const { return peer_speaks_http_; }

 private:
  struct Session;
  TlsClient(int socket, std::unique_ptr<Session> session);
  Result<Io> Outcome(int rc, const char* what);

  int socket_;
  std::unique_ptr<Session> session_;
  bool peer_speaks_http_ = false;
  bool peeked_ = false;
};

}  // namespace kpod::pods
