#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <map>
#include <mutex>

#include "base/text.h"
#include "tests/unit/pods/loopback.h"

namespace kpod::pods {
namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpAttempt : public AttemptTest {
 protected:
  static std::string At(int port, const std::string& path = "/") {
    return StrCat("Get \"http://127.0.0.1:", port, path, "\": ");
  }
};

TEST_F(HttpAttempt, TheStatusDecides) {
  struct Row {
    const char* response;
    bool success, warning;
    const char* message;
  };
  const Row rows[] = {
      {kOk, true, false, "ok"},
      {"HTTP/1.1 399 Whatever\r\n\r\nhi", true, true,
       "Probe terminated redirects, Response body: hi"},
      {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n", true, true,
       "Probe terminated redirects, Response body: "},
      {"HTTP/1.1 302 Found\r\n\r\nnowhere", true, true,
       "Probe terminated redirects, Response body: nowhere"},
      {"HTTP/1.1 404 Not Found\r\n\r\nsecret", false, false,
       "HTTP probe failed with statuscode: 404"},
      {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, false,
       "HTTP probe failed with statuscode: 503"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
       false, "HTTP probe failed with statuscode: 101"},
  };
  for (const Row& row : rows) {
    LoopbackServer server(Answering(row.response));
    AttemptResult result = Try(HttpGet(server.port()));
    EXPECT_EQ(result.success, row.success) << row.response;
    EXPECT_EQ(result.warning, row.warning) << row.response;
    EXPECT_FALSE(result.errored) << row.response;
    EXPECT_EQ(result.message, row.message);
  }
}

TEST_F(HttpAttempt, WhatIsNoResponse) {
  const std::pair<const char*, std::string> rows[] = {
      {"", "EOF"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n", "unexpected EOF"},
      {"220 smtp.example ready\r\n",
       "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"220 smtp.example "
       "ready\""},
  };
  for (const auto& [response, message] : rows) {
    LoopbackServer server(Answering(response));
    AttemptResult result = Try(HttpGet(server.port(), "/x?y"));
    EXPECT_FALSE(result.success);
    EXPECT_FALSE(result.errored);
    EXPECT_EQ(result.message, At(server.port(), "/x?y") + message);
  }
  int port = LoopbackServer(UntilClosed).port();  // closed by now
  EXPECT_EQ(Try(HttpGet(port)).message,
            StrCat(At(port), "dial tcp 127.0.0.1:", port, ": connect: connection refused"));
  LoopbackServer cut(Answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"));
  AttemptResult result = Try(HttpGet(cut.port()));
  EXPECT_TRUE(result.errored);
  EXPECT_EQ(result.message, "unexpected EOF");
}

TEST_F(HttpAttempt, EndlessAnswersEnd) {
  auto endless = [](std::string begin, std::string more) {
    return [begin = std::move(begin), more = std::move(more)](int fd) {
      ReceiveRequest(fd);
      SendAll(fd, begin);
      std::string many;
      while (many.size() < 65536) many += more;
      while (::send(fd, many.data(), many.size(), MSG_NOSIGNAL) > 0) {
      }
    };
  };
  LoopbackServer body(endless("HTTP/1.1 200 OK\r\n\r\n", "x"));
  AttemptResult result = Try(HttpGet(body.port()));
  EXPECT_TRUE(result.success);
  EXPECT_EQ(result.message.size(), 10240u);
  LoopbackServer headers(endless("HTTP/1.1 200 OK\r\n", "A: b\r\n"));
  result = Try(HttpGet(headers.port()));
  EXPECT_FALSE(result.success);
  EXPECT_TRUE(Contains(result.message, "headers exceeded")) << result.message;
}

TEST_F(HttpAttempt, Timeouts) {
  LoopbackServer silent(UntilClosed);
  AttemptResult result = Try(HttpGet(silent.port()), 50'000'000);
  EXPECT_FALSE(result.errored);
  EXPECT_EQ(result.message,
            At(silent.port()) +
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  LoopbackServer half([](int fd) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    UntilClosed(fd);
  });
  result = TryUntil(HttpGet(half.port()), [](const AttemptResult& r) { return r.errored; });
  EXPECT_EQ(
      result.message,
      "context deadline exceeded (Client.Timeout or context cancellation while reading body)");
}

// Keeps what it was asked; answers the path's response, else 404.
class Site {
 public:
  Site()
      : server_([this](int fd) {
          std::string request = ReceiveRequest(fd);
          std::vector<std::string> words = Split(request.substr(0, request.find("\r\n")), ' ');
          std::lock_guard<std::mutex> lock(mutex_);
          requests_.push_back(request);
          auto page = pages_.find(words.size() == 3 ? words[1] : "");
          SendAll(fd, page == pages_.end() ? "HTTP/1.1 404 Not Found\r\n\r\n" : page->second);
        }) {}
  int port() const { return server_.port(); }
  std::vector<std::string> requests() {
    std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }
  void Set(const std::string& path, const std::string& response) {
    std::lock_guard<std::mutex> lock(mutex_);
    pages_[path] = response;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> pages_;
  std::vector<std::string> requests_;
  LoopbackServer server_;
};

std::string To(const std::string& location) {
  return StrCat("HTTP/1.1 302 Found\r\nLocation: ", location, "\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(HttpAttempt, TheRequest) {
  Site site;
  site.Set("/a?b", kOk);
  kube::Handler handler = HttpGet(site.port(), "/a?b");
  handler.http_get->headers = {{"Host", "web.example"}, {"X-Probe", "yes"}};
  EXPECT_TRUE(Try(handler).success);
  context_.hook = true;
  handler.http_get->headers.clear();
  EXPECT_TRUE(Try(handler).success);
  EXPECT_EQ(site.requests(),
            (std::vector<std::string>{
                "GET /a?b HTTP/1.1\r\nHost: web.example\r\nUser-Agent: kube-probe/1.36\r\n"
                "X-Probe: yes\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                StrCat("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:", site.port(),
                       "\r\nUser-Agent: kube-lifecycle/1.36\r\nAccept: */*\r\nConnection: close\r\n"
                       "\r\n")}));
}

TEST_F(HttpAttempt, RedirectsOnTheHostAreFollowed) {
  Site site, other;
  other.Set("/end", kOk);
  site.Set("/", To("/next"));
  site.Set("/loop", To("loop"));
  site.Set("/gone", To("/nosuch"));
  site.Set("/next", To(StrCat("http://127.0.0.1:", other.port(), "/end")));
  kube::Handler handler = HttpGet(site.port());
  handler.http_get->headers = {{"Host", "web.example"}, {"X-Probe", "yes"}};
  AttemptResult result = Try(handler);
  EXPECT_TRUE(result.success);
  EXPECT_FALSE(result.warning);
  ASSERT_EQ(site.requests().size(), 2u);
  // The virtual host is kept on the way to a relative Location, and the headers everywhere.
  EXPECT_TRUE(Contains(site.requests()[1], "Host: web.example\r\n"));
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_TRUE(Contains(other.requests()[0], StrCat("Host: 127.0.0.1:", other.port(), "\r\n")));
  EXPECT_TRUE(Contains(other.requests()[0], "X-Probe: yes\r\n"));

  EXPECT_EQ(Try(HttpGet(site.port(), "/gone")).message, "HTTP probe failed with statuscode: 404");
  size_t before = site.requests().size();
  result = Try(HttpGet(site.port(), "/loop"));
  EXPECT_FALSE(result.success);
  EXPECT_EQ(result.message, "Get \"loop\": stopped after 10 redirects");
  EXPECT_EQ(site.requests().size(), before + 10);
}

TEST_F(HttpAttempt, AHeaderThatWouldBreakTheRequestIsNotSent) {
  Site site;
  site.Set("/", kOk);
  kube::Handler handler = HttpGet(site.port());
  handler.http_get->headers = {{"X", "a\r\nEvil: b"}};
  EXPECT_EQ(Try(handler).message,
            At(site.port()) + "net/http: invalid header field value for \"X\"");
  EXPECT_TRUE(site.requests().empty());
}

TEST_F(HttpAttempt, AHookTakesAnyAnswer) {
  context_.hook = true;
  LoopbackServer failing(Answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(Try(HttpGet(failing.port())).success);
  LoopbackServer hanging([](int fd) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    UntilClosed(fd);
  });
  EXPECT_TRUE(Try(HttpGet(hanging.port()), 0).success);
  int port = LoopbackServer(UntilClosed).port();
  EXPECT_FALSE(Try(HttpGet(port)).success);
}

// A server's end of TLS with a certificate that nobody vouches for.
class TlsServer {
 public:
  explicit TlsServer(std::string response)
      : context_(SSL_CTX_new(TLS_server_method())),
        server_([this, response = std::move(response)](int fd) {
          SSL* ssl = SSL_new(context_.get());
          SSL_set_fd(ssl, fd);
          char request[4096];
          if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
            SSL_write(ssl, response.data(), static_cast<int>(response.size()));
            SSL_shutdown(ssl);
          }
          SSL_free(ssl);
        }) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400 * 2);
    X509_gmtime_adj(X509_getm_notAfter(certificate), -86400);  // and expired
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_.get(), certificate);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  int port() const { return server_.port(); }

 private:
  struct Free {
    void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  LoopbackServer server_;
};

class HttpsAttempt : public AttemptTest {
 protected:
  static kube::Handler HttpsGet(int port) {
    kube::Handler handler = HttpGet(port, "/x");
    handler.http_get->scheme = "HTTPS";
    return handler;
  }
  static std::string At(int port) { return StrCat("Get \"https://127.0.0.1:", port, "/x\": "); }
};

TEST_F(HttpsAttempt, NobodyNeedVouchForTheServer) {
  TlsServer ok(kOk);
  AttemptResult result = Try(HttpsGet(ok.port()));
  EXPECT_TRUE(result.success) << result.message;
  EXPECT_EQ(result.message, "ok");
  TlsServer busy("HTTP/1.1 503 Busy\r\n\r\n");
  EXPECT_EQ(Try(HttpsGet(busy.port())).message, "HTTP probe failed with statuscode: 503");
  TlsServer large("HTTP/1.1 200 OK\r\n\r\n" + std::string(200000, 'x'));
  EXPECT_TRUE(Try(HttpsGet(large.port())).success);
}

TEST_F(HttpsAttempt, ServersThatSpeakSomethingElse) {
  LoopbackServer http([](int fd) {
    char hello[4096];
    (void)::recv(fd, hello, sizeof(hello), 0);
    SendAll(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  for (int i = 0; i < 50; ++i)  // however fast it answers
    EXPECT_EQ(Try(HttpsGet(http.port())).message,
              At(http.port()) + "http: server gave HTTP response to HTTPS client");
  LoopbackServer closing([](int) {});
  AttemptResult result = Try(HttpsGet(closing.port()));
  EXPECT_FALSE(result.success);
  EXPECT_TRUE(result.message.starts_with(At(closing.port()))) << result.message;
  LoopbackServer silent(UntilClosed);
  EXPECT_EQ(Try(HttpsGet(silent.port()), 50'000'000).message,
            At(silent.port()) +
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
}

TEST_F(HttpsAttempt, AHookFallsBackToHttp) {
  context_.hook = true;
  std::mutex mutex;
  std::vector<std::string> requests;
  LoopbackServer http([&](int fd) {
    char begin[1];
    if (::recv(fd, begin, 1, MSG_PEEK) == 1 && begin[0] != 'G') {
      char hello[4096];
      (void)::recv(fd, hello, sizeof(hello), 0);
      return SendAll(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    std::lock_guard<std::mutex> lock(mutex);
    requests.push_back(ReceiveRequest(fd));
    SendAll(fd, kOk);
  });
  kube::Handler handler = HttpsGet(http.port());
  handler.http_get->headers = {{"Authorization", "secret"}, {"X-Hook", "yes"}};
  AttemptResult result = Try(handler);
  EXPECT_TRUE(result.success);
  EXPECT_TRUE(result.warning);
  EXPECT_EQ(result.message, StrCat("request to HTTPS lifecycle hook 127.0.0.1:", http.port(),
                                   " got HTTP response, retry with HTTP succeeded"));
  std::lock_guard<std::mutex> lock(mutex);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_TRUE(Contains(requests[0], "X-Hook: yes\r\n"));
  EXPECT_FALSE(Contains(requests[0], "secret"));
}

}  // namespace
}  // namespace kpod::pods
