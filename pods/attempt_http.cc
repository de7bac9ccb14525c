// httpGet, in plain text and over TLS: one connection a request, redirects on the same host
// followed. Source: k8s.io/kubernetes/pkg/probe/http/http.go; for hooks, runHTTPHandler of
// pkg/kubelet/lifecycle/handlers.go.
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/text.h"
#include "pods/attempt_parts.h"
#include "pods/dialer.h"
#include "pods/http_request.h"
#include "pods/http_response.h"
#include "pods/tls_client.h"

namespace kpod::pods {

namespace {

constexpr size_t kMostRequests = 10;  // of one attempt, as Go's

class Http : public AttemptBase {
 public:
  Http(const AttemptContext& context, const kube::HttpGetAction& action, int64_t timeout_nanos,
       AttemptDone done)
      : AttemptBase(context, timeout_nanos, std::move(done)), action_(action) {}
  ~Http() override { Disconnect(); }

 private:
  void Begin() override {
    Result<int> port = PortNumber(action_.port);
    if (!port) return Finish(Errored(port.error().message()));
    url_ = first_ =
        UrlFor(action_.scheme, TargetHost(context(), action_.host), *port, action_.path);
    Request(RequestOptions{UserAgent(context().hook ? "lifecycle" : "probe"), "", true});
  }

  void Request(RequestOptions options) {
    Disconnect();
    options_ = std::move(options);
    Result<std::string> request = RequestText(url_, action_.headers, options_);
    if (!request) return Fail(request.error().message());
    unsent_ = std::move(*request);
    response_.emplace();
    ++requests_;
    dialer_.emplace(loop(), url_.host, url_.port, TargetNamespace(context(), action_.host));
    dialer_->Start([this](Result<Fd> socket) {
      if (!socket) return Fail(socket.error().message());
      OnConnected(std::move(*socket));
    });
  }

  void OnConnected(Fd socket) {
    socket_ = std::move(socket);
    if (url_.scheme == "https") {
      SendAtOnce(socket_.get());
      Result<std::unique_ptr<TlsClient>> tls = TlsClient::Create(socket_.get(), url_.host);
      if (!tls) return Fail(tls.error().message());
      tls_ = std::move(*tls);
      handshaken_ = false;
    }
    Go();
  }

  // As far as it goes without waiting.
  void Go() {
    Result<Io> io = Advance();
    if (!io) return Broken(io.error().message());
    if (*io == Io::kDone) return OnResponse();
    uint32_t events = *io == Io::kWantsRead ? EPOLLIN : EPOLLOUT;
    if (events == watched_) return;
    watched_ = events;
    Status watched = loop()->OnEvents(socket_.get(), events, [this] { Go(); });
    if (!watched) Fail(watched.error().message());
  }

  // kDone: there is a response to judge by.
  Result<Io> Advance() {
    if (tls_ && !handshaken_) {
      Io io = TRY(tls_->Handshake());
      if (io != Io::kDone) return io;
      handshaken_ = true;
    }
    while (!unsent_.empty()) {
      size_t n = 0;
      Io io = TRY(Send(&n));
      if (io != Io::kDone) return io;
      unsent_.erase(0, n);
    }
    // A bounded part a round: the loop has others.
    for (int i = 0; i < 4; ++i) {
      static char buffer[16384];  // one thread
      size_t n = 0;
      Io io = TRY(Receive(buffer, sizeof(buffer), &n));
      if (io != Io::kDone) return io;
      TRY(n == 0 ? response_->End() : response_->Feed({buffer, n}));
      if (response_->complete() || Redirects() || (context().hook && response_->has_headers()))
        return Io::kDone;
    }
    return Io::kWantsRead;
  }

  Result<Io> Send(size_t* n) {
    if (tls_) return tls_->Write(unsent_, n);
    ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      *n = static_cast<size_t>(sent);
      return Io::kDone;
    }
    if (errno == EAGAIN || errno == EINTR) return Io::kWantsWrite;
    int code = errno;
    return Error(StrCat("write tcp ", EndsOf(socket_.get()), ": write: ", ErrnoText(code)));
  }

  Result<Io> Receive(char* buffer, size_t size, size_t* n) {
    if (tls_) return tls_->Read(buffer, size, n);
    ssize_t got = ::recv(socket_.get(), buffer, size, 0);
    if (got >= 0) {
      *n = static_cast<size_t>(got);
      return Io::kDone;
    }
    if (errno == EAGAIN || errno == EINTR) return Io::kWantsRead;
    int code = errno;
    return Error(StrCat("read tcp ", EndsOf(socket_.get()), ": read: ", ErrnoText(code)));
  }

  // A Location is followed as soon as the headers are there.
  bool Redirects() const {
    if (!response_->has_headers() || response_->location().empty()) return false;
    int status = response_->status();
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
      return false;
    std::optional<Url> to = Redirected(url_, response_->location());
    return !to || ToLower(to->host) == ToLower(first_.host);
  }

  void OnResponse() {
    if (Redirects()) return Redirect();
    AttemptResult result{true, response_->body()};
    int status = response_->status();
    if (context().hook) {
      result.message.clear();
    } else if (status < 200 || status >= 400) {
      result = {false, StrCat("HTTP probe failed with statuscode: ", status)};
    } else if (status >= 300) {
      result.warning = true;
      result.message = "Probe terminated redirects, Response body: " + result.message;
    }
    if (!https_failure_.empty()) {
      result.warning = true;
      result.message = StrCat("request to HTTPS lifecycle hook ", first_.authority,
                              " got HTTP response, retry with HTTP succeeded");
    }
    Finish(std::move(result));
  }

  void Redirect() {
    const std::string location = response_->location();
    std::optional<Url> to = Redirected(url_, location);
    if (!to) return Fail(StrCat("failed to parse Location header ", Quote(location)));
    if (requests_ >= kMostRequests)
      return Finish({false, StrCat("Get ", Quote(location), ": stopped after ", kMostRequests,
                                   " redirects")});
    RequestOptions options = options_;
    // A relative Location stays with the virtual host that was asked for.
    options.own_host = !IsAbsolute(location);
    options.referer = url_.scheme == "https" && to->scheme == "http" ? "" : url_.Text();
    url_ = std::move(*to);
    Request(std::move(options));
  }

  // The connection failed, or what came over it was no HTTP.
  void Broken(const std::string& why) {
    if (context().hook && tls_ && tls_->peer_speaks_http()) return FallBack(why);
    if (!response_->has_headers()) return Fail(why);
    Finish(Errored(why));
  }

  // Feature gate ConsistentHTTPGetHandlers: hooks spoke plain HTTP once, whatever their scheme.
  void FallBack(const std::string& why) {
    https_failure_ = StrCat("Get ", Quote(url_.Text()), ": ", why);
    url_ = first_;
    url_.scheme = "http";
    requests_ = 0;
    std::erase_if(action_.headers,
                  [](const auto& h) { return ToLower(h.first) == "authorization"; });
    Request(options_);
  }

  void Fail(const std::string& why) {
    if (!https_failure_.empty()) return Finish({false, https_failure_});
    Finish({false, StrCat("Get ", Quote(url_.Text()), ": ", why)});
  }

  AttemptResult TimedOut() override {
    if (response_ && response_->has_headers())
      return Errored(
          "context deadline exceeded (Client.Timeout or context cancellation while reading body)");
    return {false, StrCat("Get ", Quote(url_.Text()),
                          ": context deadline exceeded (Client.Timeout exceeded while awaiting "
                          "headers)")};
  }

  void Disconnect() {
    tls_.reset();
    if (socket_) loop()->Forget(socket_.get());
    socket_.Reset();
    watched_ = 0;
  }

  kube::HttpGetAction action_;
  Url first_, url_;
  RequestOptions options_;
  size_t requests_ = 0;
  std::optional<Dialer> dialer_;
  Fd socket_;
  std::unique_ptr<TlsClient> tls_;
  bool handshaken_ = false;
  std::string https_failure_;  // "" unless it fell back to HTTP
  uint32_t watched_ = 0;
  std::string unsent_;
  std::optional<HttpResponse> response_;
};

}  // namespace

std::unique_ptr<Attempt> StartHttp(const AttemptContext& context, const kube::HttpGetAction& action,
                                   int64_t timeout_nanos, AttemptDone done) {
  return std::make_unique<Http>(context, action, timeout_nanos, std::move(done));
}

}  // namespace kpod::pods
