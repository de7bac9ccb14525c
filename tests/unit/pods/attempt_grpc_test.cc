#include <nghttp2/nghttp2.h>

#include <map>

#include "base/text.h"
#include "pods/dialer.h"
#include "pods/grpc_health.h"
#include "tests/unit/pods/loopback.h"

namespace kpod::pods {
namespace {

TEST(GrpcHealth, Request) {
  EXPECT_EQ(HealthRequest(""), std::string(5, '\0'));
  EXPECT_EQ(HealthRequest("db"), std::string("\0\0\0\0\4\n\2db", 9));
  std::string large = HealthRequest(std::string(300, 'x'));
  EXPECT_EQ(large.substr(0, 8), std::string("\0\0\0\1\x2f\n\xac\2", 8));
  EXPECT_EQ(large.size(), 8 + 300u);
}

TEST(GrpcHealth, Status) {
  auto frame = [](const std::string& message) {
    return std::string("\0\0\0\0", 4) + static_cast<char>(message.size()) + message;
  };
  const std::pair<std::string, uint64_t> good[] = {
      {frame(""), 0},
      {frame("\x08\1"), 1},
      {frame("\x08\2"), 2},
      {frame("\x08\1\x08\3"), 3},     // the last counts
      {frame("\x12\3abc\x08\1"), 1},  // other fields are passed over
      {frame("\x19"
             "12345678\x25"
             "1234\x18\x80\1\x08\1"),
       1},
      {frame("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), UINT64_MAX},
  };
  for (const auto& [bytes, status] : good) {
    Result<uint64_t> got = HealthStatus(bytes);
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(*got, status);
  }
  for (const std::string& bad : {std::string(), std::string("\0\0\0", 3), frame("\x08\1") + "x",
                                 frame("\x08\1").substr(0, 6), frame("\x08"), frame("\x08\x80"),
                                 frame("\x12\5abc"), frame("\x12\xff\xff\xff\xff\7"),
                                 frame("\x19"
                                       "1"),
                                 frame("\x0b"), std::string("\1\0\0\0\2\x08\1", 7),
                                 frame("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")})
    EXPECT_FALSE(HealthStatus(bad).ok()) << Hex(bad);
}

TEST(GrpcHealth, Words) {
  EXPECT_EQ(ServingStatusName(1), "SERVING");
  EXPECT_EQ(ServingStatusName(9), "9");
  EXPECT_EQ(GrpcCodeName(5), "NotFound");
  EXPECT_EQ(GrpcCodeName(99), "Code(99)");
  EXPECT_EQ(GrpcCodeName(GrpcCodeOfHttp(404)), "Unimplemented");
  EXPECT_EQ(GrpcCodeName(GrpcCodeOfHttp(503)), "Unavailable");
  EXPECT_EQ(DecodeGrpcMessage("no%20such%zz%"), "no such%zz%");
}

// A gRPC server of one answer. With `trailers_only` its headers end the stream.
struct Reply {
  std::string status = "200", grpc_status = "0", grpc_message = "",
              body = "";  // NOLINT(readability-redundant-string-init)
  bool trailers_only = false;
  bool silent = false;
};

class HealthServer {
 public:
  explicit HealthServer(std::function<Reply(const std::string& body)> reply)
      : reply_(std::move(reply)), server_([this](int fd) { Serve(fd); }) {}
  int port() const { return server_.port(); }
  std::map<std::string, std::string> headers;  // of the last request

 private:
  struct Connection {
    HealthServer* server;
    std::string request;
    Reply reply;
  };

  void Serve(int fd) {
    SendAtOnce(fd);
    Connection connection{this, {}, {}};
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user) {
          static_cast<Connection*>(user)
              ->server->headers[{reinterpret_cast<const char*>(name), name_size}] = {
              reinterpret_cast<const char*>(value), value_size};
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t size, void* user) {
          static_cast<Connection*>(user)->request.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session* session, const nghttp2_frame* frame, void* user) {
          bool request_ends =
              frame->hd.stream_id != 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
          if (request_ends) Answer(session, frame->hd.stream_id, static_cast<Connection*>(user));
          return 0;
        });
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, &connection);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    for (;;) {
      const uint8_t* out = nullptr;
      for (ssize_t n; (n = nghttp2_session_mem_send(session, &out)) > 0;)
        SendAll(fd, {reinterpret_cast<const char*>(out), static_cast<size_t>(n)});
      uint8_t in[4096];
      ssize_t n = ::recv(fd, in, sizeof(in), 0);
      if (n <= 0 || nghttp2_session_mem_recv(session, in, static_cast<size_t>(n)) < 0) break;
    }
    nghttp2_session_del(session);
  }

  static nghttp2_nv Header(const char* name, const std::string& value) {
    return {reinterpret_cast<uint8_t*>(const_cast<char*>(name)),
            reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), std::strlen(name),
            value.size(), 0};
  }

  static void Answer(nghttp2_session* session, int32_t stream, Connection* connection) {
    connection->reply = connection->server->reply_(connection->request);
    Reply& reply = connection->reply;
    if (reply.silent) return;
    static const std::string kType = "application/grpc";
    std::vector<nghttp2_nv> headers = {Header(":status", reply.status),
                                       Header("content-type", kType)};
    std::vector<nghttp2_nv> trailers;
    if (!reply.grpc_status.empty()) trailers.push_back(Header("grpc-status", reply.grpc_status));
    if (!reply.grpc_message.empty()) trailers.push_back(Header("grpc-message", reply.grpc_message));
    if (reply.trailers_only) {
      headers.insert(headers.end(), trailers.begin(), trailers.end());
      nghttp2_submit_response(session, stream, headers.data(), headers.size(), nullptr);
      return;
    }
    nghttp2_data_provider body{};
    body.source.ptr = connection;
    body.read_callback = [](nghttp2_session* s, int32_t id, uint8_t* to, size_t size,
                            uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      auto* c = static_cast<Connection*>(source->ptr);
      size_t n = c->reply.body.copy(reinterpret_cast<char*>(to), size);
      c->reply.body.erase(0, n);
      if (!c->reply.body.empty()) return static_cast<ssize_t>(n);
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!c->reply.grpc_status.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_nv trailer[] = {Header("grpc-status", c->reply.grpc_status)};
        nghttp2_submit_trailer(s, id, trailer, 1);
      }
      return static_cast<ssize_t>(n);
    };
    nghttp2_submit_response(session, stream, headers.data(), headers.size(), &body);
  }

  std::function<Reply(const std::string&)> reply_;
  LoopbackServer server_;
};

class GrpcAttempt : public AttemptTest {
 protected:
  static kube::Handler Grpc(int port, const std::string& service = "") {
    kube::Handler handler;
    handler.grpc = kube::GrpcAction{port, service};
    return handler;
  }
  static std::string Status(char status) { return std::string("\0\0\0\0\2\x08", 6) + status; }
};

TEST_F(GrpcAttempt, WhatServersSay) {
  struct Row {
    Reply reply;
    bool success;
    const char* message;
  };
  const Row rows[] = {
      {{.body = Status(1)}, true, "service healthy"},
      {{.body = Status(2)}, false, "service unhealthy (responded with \"NOT_SERVING\")"},
      {{.body = Status(0)}, false, "service unhealthy (responded with \"UNKNOWN\")"},
      {{.body = Status(77)}, false, "service unhealthy (responded with \"77\")"},
      {{.grpc_status = "12", .grpc_message = "unknown%20service", .trailers_only = true},
       false,
       "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
       "unknown service"},
      {{.grpc_status = "5", .grpc_message = "unknown service", .trailers_only = true},
       false,
       "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"},
      {{.grpc_status = "4", .trailers_only = true},
       false,
       "timeout: health rpc did not complete within 20s"},
      {{.status = "503", .grpc_status = "", .trailers_only = true},
       false,
       "error: health rpc probe failed: rpc error: code = Unavailable desc = unexpected HTTP "
       "status "
       "code received from server: 503"},
      {{.grpc_status = "", .body = Status(1)},
       false,
       "error: health rpc probe failed: rpc error: code = Internal desc = server closed the stream "
       "without sending trailers"},
      {{.body = "junk"},
       false,
       "error: health rpc probe failed: rpc error: code = Internal desc = unexpected EOF"},
      {{.body = std::string(100000, 'x')},
       false,
       "error: health rpc probe failed: rpc error: code = ResourceExhausted desc = grpc: received "
       "message larger than max"},
  };
  for (const Row& row : rows) {
    HealthServer server([&](const std::string&) { return row.reply; });
    AttemptResult result = Try(Grpc(server.port()));
    EXPECT_EQ(result.success, row.success);
    EXPECT_FALSE(result.errored);
    EXPECT_EQ(result.message, row.message);
  }
}

TEST_F(GrpcAttempt, TheRequest) {
  std::string body;
  HealthServer server([&](const std::string& request) {
    body = request;
    return Reply{.body = Status(1)};
  });
  EXPECT_TRUE(Try(Grpc(server.port(), "db")).success);
  EXPECT_EQ(body, HealthRequest("db"));
  EXPECT_EQ(server.headers[":path"], "/grpc.health.v1.Health/Check");
  EXPECT_EQ(server.headers[":method"], "POST");
  EXPECT_EQ(server.headers[":authority"], StrCat("127.0.0.1:", server.port()));
  EXPECT_EQ(server.headers["content-type"], "application/grpc");
  EXPECT_EQ(server.headers["te"], "trailers");
  EXPECT_TRUE(server.headers["user-agent"].starts_with("kube-probe/1.36"));
  EXPECT_TRUE(server.headers["grpc-timeout"].ends_with("m"));
}

TEST_F(GrpcAttempt, Timeouts) {
  HealthServer silent([](const std::string&) { return Reply{.silent = true}; });
  AttemptResult result = TryUntil(Grpc(silent.port()), [](const AttemptResult& r) {
    return r.message.starts_with("timeout: health rpc did not complete within ");
  });
  EXPECT_TRUE(result.message.ends_with("s")) << result.message;
  auto cannot_connect = [](int port) {
    return StrCat("timeout: failed to connect service \"127.0.0.1:", port,
                  "\" within 50ms: context deadline exceeded");
  };
  LoopbackServer mute(UntilClosed);
  EXPECT_EQ(Try(Grpc(mute.port()), 50'000'000).message, cannot_connect(mute.port()));
  LoopbackServer http(Answering("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(Try(Grpc(http.port()), 50'000'000).message, cannot_connect(http.port()));
  int port = LoopbackServer(UntilClosed).port();  // closed by now
  EXPECT_EQ(Try(Grpc(port), 50'000'000).message, cannot_connect(port));
}

TEST_F(GrpcAttempt, AServerThatComesWithinTheTimeoutIsFound) {
  int connections = 0;
  HealthServer healthy([](const std::string&) { return Reply{.body = Status(1)}; });
  // The first connection is closed at once, the second one is handed on.
  LoopbackServer late([&](int fd) {
    if (++connections == 1) return;
    Fd to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(static_cast<uint16_t>(healthy.port()));
    ASSERT_EQ(::connect(to.get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)), 0);
    auto copy = [](int from, int into) {
      char buffer[4096];
      for (ssize_t n; (n = ::recv(from, buffer, sizeof(buffer), 0)) > 0;)
        SendAll(into, {buffer, static_cast<size_t>(n)});
      ::shutdown(into, SHUT_WR);
    };
    std::thread back(copy, to.get(), fd);
    copy(fd, to.get());
    back.join();
  });
  EXPECT_EQ(Try(Grpc(late.port())).message, "service healthy");
}

TEST_F(GrpcAttempt, APortThatIsNone) { EXPECT_TRUE(Try(Grpc(0)).errored); }

}  // namespace
}  // namespace kpod::pods
