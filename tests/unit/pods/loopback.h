// Servers on the loopback for the attempts to ask, each with a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "pods/attempt.h"

namespace kpod::pods {

class LoopbackServer {
 public:
  // `serve` has each connection in turn and does not close it.
  explicit LoopbackServer(std::function<void(int)> serve) {
    ::signal(SIGPIPE, SIG_IGN);
    listening_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(a);
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&a), size), 0);
    EXPECT_EQ(::listen(listening_.get(), 16), 0);
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&a), &size);
    port_ = ntohs(a.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (;;) {
        Fd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) return;
        serve(connection.get());
      }
    });
  }
  ~LoopbackServer() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  int port() const { return port_; }

 private:
  Fd listening_;
  int port_ = 0;
  std::thread thread_;
};

inline void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // it had enough
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

inline std::string ReceiveRequest(int fd) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    ssize_t n = ::recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0) break;
    request.append(buffer, static_cast<size_t>(n));
  }
  return request;
}

inline void UntilClosed(int fd) {
  char buffer[4096];
  while (::recv(fd, buffer, sizeof(buffer), 0) > 0) {
  }
}

// Answers every request with the same bytes, then closes.
inline std::function<void(int)> Answering(std::string response) {
  return [response = std::move(response)](int fd) {
    ReceiveRequest(fd);
    SendAll(fd, response);
  };
}

inline constexpr int64_t kLong = 20'000'000'000;  // never reached by a test that passes

class AttemptTest : public testing::Test {
 protected:
  AttemptTest() : loop_(Loop::Create().value()) {
    context_.loop = &loop_;
    context_.pod_ip = "127.0.0.1";
  }

  AttemptResult Try(const kube::Handler& handler, int64_t timeout_nanos = kLong) {
    std::optional<AttemptResult> result;
    std::unique_ptr<Attempt> attempt =
        StartAttempt(context_, handler, timeout_nanos, [&](AttemptResult r) {
          EXPECT_FALSE(result) << "told twice";
          result = std::move(r);
        });
    EXPECT_FALSE(result) << "told before the start returned";
    EXPECT_TRUE(StepUntil([&] { return result.has_value(); }));
    return result.value_or(AttemptResult{});
  }

  // For timeouts that come late in an attempt: with more and more time until it got that far.
  AttemptResult TryUntil(const kube::Handler& handler,
                         const std::function<bool(const AttemptResult&)>& is_it) {
    AttemptResult result;
    for (int64_t timeout = 50'000'000; timeout <= kLong; timeout *= 4) {
      result = Try(handler, timeout);
      if (is_it(result)) return result;
    }
    ADD_FAILURE() << result.message;
    return result;
  }

  bool StepUntil(const std::function<bool()>& condition) {
    int64_t end = MonotonicNanos() + kLong + kLong;
    while (!condition()) {
      if (MonotonicNanos() > end || !loop_.Step(50'000'000)) return false;
    }
    return true;
  }

  static kube::Handler HttpGet(int port, const std::string& path = "/") {
    kube::Handler handler;
    handler.http_get.emplace();
    handler.http_get->port.number = port;
    handler.http_get->path = path;
    return handler;
  }

  Loop loop_;
  AttemptContext context_;
};

}  // namespace kpod::pods
