#include "pods/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/text.h"
#include "pods/dialer.h"

namespace kpod::pods {

namespace {

Error TlsError() {
  unsigned long code = ::ERR_get_error();  // NOLINT(google-runtime-int)
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return Error(StrCat("tls: ", reason == nullptr ? "handshake failure" : reason));
}

// One for all connections of the process, and only once there is one.
Result<SSL_CTX*> Context() {
  static SSL_CTX* context = nullptr;
  if (context != nullptr) return context;
  // Neither the machine's configuration nor work at the process's end.
  ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
  SSL_CTX* made = ::SSL_CTX_new(::TLS_client_method());
  if (made == nullptr) return TlsError();
  ::SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
  ::SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  ::SSL_CTX_set_security_level(made, 1);  // certificates made by hand have short keys
  ::SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A server that closes without saying so is at its end; what is complete, HTTP tells.
  ::SSL_CTX_set_options(made, SSL_OP_IGNORE_UNEXPECTED_EOF);
  context = made;
  return context;
}

}  // namespace

struct TlsClient::Session {
  SSL* ssl = nullptr;
  ~Session() { ::SSL_free(ssl); }
};

TlsClient::TlsClient(int socket, std::unique_ptr<Session> session)
    : socket_(socket), session_(std::move(session)) {}

TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::Create(int socket, const std::string& server_name) {
  SSL_CTX* context = TRY(Context());
  auto session = std::make_unique<Session>();
  session->ssl = ::SSL_new(context);
  if (session->ssl == nullptr || ::SSL_set_wfd(session->ssl, socket) != 1) return TlsError();
  // OpenSSL reads nothing of the socket before Handshake has seen what it begins with.
  BIO* nothing = ::BIO_new(::BIO_s_mem());
  if (nothing == nullptr) return TlsError();
  BIO_set_mem_eof_return(nothing, -1);
  ::SSL_set0_rbio(session->ssl, nothing);
  in6_addr any;
  bool is_address = ::inet_pton(AF_INET, server_name.c_str(), &any) == 1 ||
                    ::inet_pton(AF_INET6, server_name.c_str(), &any) == 1;
  if (!is_address) SSL_set_tlsext_host_name(session->ssl, server_name.c_str());
  constexpr unsigned char kProtocols[] = "\x08http/1.1";
  ::SSL_set_alpn_protos(session->ssl, kProtocols, sizeof(kProtocols) - 1);
  ::SSL_set_connect_state(session->ssl);
  return std::unique_ptr<TlsClient>(new TlsClient(socket, std::move(session)));
}

Result<Io> TlsClient::Handshake() {
  if (!peeked_) {
    char begin[5];
    ssize_t n = ::recv(socket_, begin, sizeof(begin), MSG_PEEK);
    peeked_ = n >= 0 || errno != EAGAIN;
    if (n == sizeof(begin) && std::string_view(begin, sizeof(begin)) == "HTTP/") {
      peer_speaks_http_ = true;
      return Error("http: server gave HTTP response to HTTPS client");
    }
    if (peeked_ && ::SSL_set_rfd(session_->ssl, socket_) != 1) return TlsError();
  }
  ::ERR_clear_error();
  return Outcome(::SSL_do_handshake(session_->ssl), "read");
}

Result<Io> TlsClient::Read(char* buffer, size_t size, size_t* n) {
  ::ERR_clear_error();
  *n = 0;
  int rc = ::SSL_read_ex(session_->ssl, buffer, size, n);
  if (rc != 1 && ::SSL_get_error(session_->ssl, rc) == SSL_ERROR_ZERO_RETURN) return Io::kDone;
  return Outcome(rc, "read");
}

Result<Io> TlsClient::Write(std::string_view bytes, size_t* n) {
  ::ERR_clear_error();
  return Outcome(::SSL_write_ex(session_->ssl, bytes.data(), bytes.size(), n), "write");
}

Result<Io> TlsClient::Outcome(int rc, const char* what) {
  if (rc == 1) return Io::kDone;
  int code = errno;
  switch (::SSL_get_error(session_->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantsWrite;
    case SSL_ERROR_SYSCALL:
      return code == 0
                 ? Error("EOF")
                 : Error(StrCat(what, " tcp ", EndsOf(socket_), ": ", what, ": ", ErrnoText(code)));
    case SSL_ERROR_ZERO_RETURN:
      return Error("EOF");
    default:
      return TlsError();
  }
}

}  // namespace kpod::pods
