// grpc: grpc.health.v1.Health/Check over HTTP/2 in plain text (prior knowledge, RFC 9113 3.3). The
// only file that sees nghttp2. Source: k8s.io/kubernetes/pkg/probe/grpc.
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "pods/attempt_parts.h"
#include "pods/dialer.h"
#include "pods/grpc_health.h"

namespace kpod::pods {

namespace {

constexpr int64_t kReconnect = 1'000'000'000;  // grpc-go's first back-off
constexpr size_t kMostFrame = 4096;            // a health answer has seven bytes
constexpr size_t kMostMessage = 1024;

class Grpc : public AttemptBase {
 public:
  Grpc(const AttemptContext& context, const kube::GrpcAction& action, int64_t timeout_nanos,
       AttemptDone done)
      : AttemptBase(context, timeout_nanos, std::move(done)), action_(action) {}
  ~Grpc() override { Disconnect(); }

 private:
  void Begin() override {
    Result<int> port = PortNumber({action_.port, ""});
    if (!port) return Finish(Errored(port.error().message()));
    begun_ = MonotonicNanos();
    host_ = TargetHost(context(), "");
    authority_ = JoinHostPort(host_, *port);
    Connect();
  }

  void Connect() {
    Disconnect();
    dialer_.emplace(loop(), host_, action_.port, -1);
    dialer_->Start([this](Result<Fd> socket) {
      if (!socket) return Reconnect();
      socket_ = std::move(*socket);
      SendAtOnce(socket_.get());
      if (!OpenSession()) return Reconnect();
      Pump();
    });
  }

  // Until there is an HTTP/2 connection it is tried again and again, within the timeout.
  void Reconnect() {
    Disconnect();
    timer_ = loop()->After(kReconnect, [this] { Connect(); });
  }

  bool OpenSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    int rc = nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    constexpr nghttp2_settings_entry kSettings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    return rc == 0 && nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, kSettings, 1) == 0;
  }

  void Pump() {
    Status moved = Move();
    if (answer_) return Finish(std::move(*answer_));
    if (!moved) {
      if (!ready_) return Reconnect();
      return Finish(RpcFailed("Unavailable", moved.error().message()));
    }
    uint32_t events = EPOLLIN;
    if (!unsent_.empty()) events |= EPOLLOUT;
    if (events == watched_) return;
    watched_ = events;
    Status watched = loop()->OnEvents(socket_.get(), events, [this] { Pump(); });
    if (!watched) Finish(Errored(watched.error().message()));
  }

  Status Move() {
    TRY(Send());
    char buffer[4096];
    for (int i = 0; i < 4; ++i) {
      ssize_t n = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (n < 0) return Error(StrCat("error reading from server: ", ErrnoText(errno)));
      if (n == 0) return Error("error reading from server: EOF");
      ssize_t taken = nghttp2_session_mem_recv(session_, reinterpret_cast<uint8_t*>(buffer),
                                               static_cast<size_t>(n));
      if (taken < 0) return Error(nghttp2_strerror(static_cast<int>(taken)));
      if (answer_) return OkStatus();
      if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0)
        return Error("error reading from server: the connection is no HTTP/2");
    }
    if (ready_ && !asked_) TRY(Ask());
    return Send();
  }

  Status Send() {
    for (;;) {
      if (unsent_.empty()) {
        const uint8_t* bytes = nullptr;
        ssize_t n = nghttp2_session_mem_send(session_, &bytes);
        if (n < 0) return Error(nghttp2_strerror(static_cast<int>(n)));
        if (n == 0) return OkStatus();
        unsent_.assign(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
      }
      ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return OkStatus();
      if (sent < 0) return Error(StrCat("error writing to server: ", ErrnoText(errno)));
      unsent_.erase(0, static_cast<size_t>(sent));
    }
  }

  Status Ask() {
    asked_ = true;
    request_ = HealthRequest(action_.service);
    std::string timeout;
    if (timeout_nanos() > 0) {
      int64_t left = begun_ + timeout_nanos() - MonotonicNanos();
      timeout = StrCat(std::max<int64_t>(left / 1'000'000, 1), "m");  // milliseconds
    }
    std::string agent = UserAgent("probe");
    std::vector<nghttp2_nv> headers;
    auto add = [&](std::string_view name, std::string_view value) {
      auto bytes = [](std::string_view s) {
        return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));
      };
      headers.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    };
    add(":method", "POST");
    add(":scheme", "http");
    add(":path", "/grpc.health.v1.Health/Check");
    add(":authority", authority_);
    add("content-type", "application/grpc");
    add("user-agent", agent);
    add("te", "trailers");
    if (!timeout.empty()) add("grpc-timeout", timeout);
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = OnBody;
    stream_ =
        nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &body, this);
    if (stream_ < 0) return Error(nghttp2_strerror(stream_));
    return OkStatus();
  }

  static Grpc& Of(void* user) { return *static_cast<Grpc*>(user); }

  static ssize_t OnBody(nghttp2_session*, int32_t, uint8_t* to, size_t size, uint32_t* flags,
                        nghttp2_data_source* source, void*) {
    std::string& request = Of(source->ptr).request_;
    size_t n = request.copy(reinterpret_cast<char*>(to), size);
    request.erase(0, n);
    if (request.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
      Of(user).ready_ = true;
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* user) {
    Grpc& me = Of(user);
    if (frame->hd.stream_id != me.stream_) return 0;
    std::string_view key(reinterpret_cast<const char*>(name), name_size);
    std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") me.http_status_ = static_cast<int>(ParseInt(text).value_or(0));
    if (key == "grpc-status") me.grpc_status_ = static_cast<uint64_t>(ParseInt(text).value_or(2));
    if (key == "grpc-message") me.grpc_message_ = DecodeGrpcMessage(text.substr(0, kMostMessage));
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size,
                    void* user) {
    Grpc& me = Of(user);
    if (stream != me.stream_) return 0;
    if (me.frame_.size() + size > kMostFrame) {
      me.answer_ = me.RpcFailed("ResourceExhausted", "grpc: received message larger than max");
      return 0;
    }
    me.frame_.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int OnClose(nghttp2_session*, int32_t stream, uint32_t code, void* user) {
    Grpc& me = Of(user);
    if (stream == me.stream_ && !me.answer_) me.answer_ = me.Judge(code);
    return 0;
  }

  AttemptResult Judge(uint32_t stream_error) const {
    if (!grpc_status_ && stream_error != NGHTTP2_NO_ERROR)
      return RpcFailed("Unavailable", StrCat("stream terminated by RST_STREAM with error code: ",
                                             nghttp2_http2_strerror(stream_error)));
    if (!grpc_status_ && http_status_ != 200)
      return Judge(GrpcCodeOfHttp(http_status_),
                   StrCat("unexpected HTTP status code received from server: ", http_status_));
    if (!grpc_status_)
      return RpcFailed("Internal", "server closed the stream without sending trailers");
    if (*grpc_status_ != 0) return Judge(*grpc_status_, grpc_message_);
    Result<uint64_t> status = HealthStatus(frame_);
    if (!status) return RpcFailed("Internal", status.error().message());
    std::string name = ServingStatusName(*status);
    if (name == "SERVING") return {true, "service healthy"};
    return {false, StrCat("service unhealthy (responded with ", Quote(name), ")")};
  }

  AttemptResult Judge(uint64_t code, const std::string& message) const {
    std::string name = GrpcCodeName(code);
    if (name == "Unimplemented")
      return {false, StrCat("error: this server does not implement the grpc health protocol "
                            "(grpc.health.v1.Health): ",
                            message)};
    if (name == "DeadlineExceeded") return RpcTimedOut();
    return RpcFailed(name, message);
  }

  AttemptResult RpcFailed(std::string_view code, std::string_view message) const {
    return {false, StrCat("error: health rpc probe failed: rpc error: code = ", code,
                          " desc = ", message)};
  }

  AttemptResult RpcTimedOut() const {
    return {false, StrCat("timeout: health rpc did not complete within ",
                          FormatDuration(timeout_nanos()))};
  }

  AttemptResult TimedOut() override {
    if (ready_) return RpcTimedOut();
    return {false, StrCat("timeout: failed to connect service ", Quote(authority_), " within ",
                          FormatDuration(timeout_nanos()), ": context deadline exceeded")};
  }

  void Disconnect() {
    loop()->Cancel(timer_);
    timer_ = 0;
    nghttp2_session_del(session_);
    session_ = nullptr;
    if (socket_) loop()->Forget(socket_.get());
    socket_.Reset();
    watched_ = 0;
    unsent_.clear();
  }

  kube::GrpcAction action_;
  std::string host_, authority_;
  int64_t begun_ = 0;
  Loop::TimerId timer_ = 0;
  std::optional<Dialer> dialer_;
  Fd socket_;
  uint32_t watched_ = 0;
  nghttp2_session* session_ = nullptr;
  bool ready_ = false;  // the server has said that it speaks HTTP/2
  bool asked_ = false;
  int32_t stream_ = 0;
  std::string unsent_, request_;
  int http_status_ = 0;
  std::optional<uint64_t> grpc_status_;
  std::string grpc_message_, frame_;
  std::optional<AttemptResult> answer_;
};

}  // namespace

std::unique_ptr<Attempt> StartGrpc(const AttemptContext& context, const kube::GrpcAction& action,
                                   int64_t timeout_nanos, AttemptDone done) {
  return std::make_unique<Grpc>(context, action, timeout_nanos, std::move(done));
}

}  // namespace kpod::pods
