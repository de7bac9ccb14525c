#include <gtest/gtest.h>

#include "pods/http_request.h"
#include "pods/http_response.h"

namespace kpod::pods {
namespace {

TEST(HttpRequest, Urls) {
  struct Row {
    const char *scheme, *host;
    int port;
    const char *path, *text;
  };
  const Row rows[] = {
      {"HTTP", "10.0.0.1", 80, "/", "http://10.0.0.1:80/"},
      {"HTTPS", "fd00::1", 443, "/healthz", "https://[fd00::1]:443/healthz"},
      {"HTTP", "web", 8080, "healthz", "http://web:8080/healthz"},
      {"HTTP", "h", 1, "/a?x=1&y=%20z", "http://h:1/a?x=1&y=%20z"},
      {"HTTP", "h", 1, "/a b?c d", "http://h:1/a%20b?c%20d"},
      {"HTTP", "h", 1, "/a#b", "http://h:1/a"},
      {"HTTP", "h", 1, "?x", "http://h:1/?x"},
      {"HTTP", "h", 1, "/a%2Fb", "http://h:1/a%2Fb"},
      {"HTTP", "h", 1, "/100%", "http://h:1/100%25"},
      {"HTTP", "h", 1, "/100%?x", "http://h:1/100%25%3Fx"},
      {"HTTP", "h", 1, "/a\r\nX: y", "http://h:1/a%0D%0AX:%20y"},
      {"HTTP", "h", 1, "/a?b\r\nX", "http://h:1/a?b%0D%0AX"},
      {"HTTP", "h", 1, "/\xc3\xa4", "http://h:1/%C3%A4"},
      {"HTTP", "h", 1, "http://elsewhere:9/a", "http://h:1/a"},
      {"HTTP", "h", 1, "//elsewhere/a", "http://h:1/a"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(UrlFor(row.scheme, row.host, row.port, row.path).Text(), row.text);
}

TEST(HttpRequest, WhereALocationLeads) {
  const Url base = UrlFor("HTTP", "10.0.0.1", 8080, "/a/b?c");
  struct Row {
    const char *location, *text, *host;
    int port;
  };
  const Row rows[] = {
      {"/new", "http://10.0.0.1:8080/new", "10.0.0.1", 8080},
      {"new", "http://10.0.0.1:8080/a/new", "10.0.0.1", 8080},
      {"../new?x", "http://10.0.0.1:8080/new?x", "10.0.0.1", 8080},
      {"../../../new/.", "http://10.0.0.1:8080/new/", "10.0.0.1", 8080},
      {"?x", "http://10.0.0.1:8080/a/b?x", "10.0.0.1", 8080},
      {"#x", "http://10.0.0.1:8080/a/b?c", "10.0.0.1", 8080},
      {"https://10.0.0.1/", "https://10.0.0.1/", "10.0.0.1", 443},
      {"HTTP://other:81", "http://other:81/", "other", 81},
      {"//[fd00::1]:81/x", "http://[fd00::1]:81/x", "fd00::1", 81},
      {"http://[fd00::1]/x", "http://[fd00::1]/x", "fd00::1", 80},
      {"http://me:secret@other/x", "http://other/x", "other", 80},
  };
  for (const Row& row : rows) {
    std::optional<Url> url = Redirected(base, row.location);
    ASSERT_TRUE(url) << row.location;
    EXPECT_EQ(url->Text(), row.text);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
  }
  for (const char* bad :
       {"ftp://other/", "http:", "mailto:x", "http://", "http://other:0/", "http://other:99999/",
        "http://other:x/", "/%zz", "/a\r\nb", "http://a b/"})
    EXPECT_FALSE(Redirected(base, bad)) << bad;
}

TEST(HttpRequest, Headers) {
  struct Row {
    HttpHeaders headers;
    const char* text;  // after the first line, without the last, empty one
  };
  const Row rows[] = {
      {{}, "Host: h:1\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n"},
      {{{"X-A", "1"}, {"x-a", " 2 "}},
       "Host: h:1\r\nUser-Agent: kube-probe/1.36\r\nX-A: 1\r\nx-a: 2\r\nAccept: */*\r\n"
       "Connection: close\r\n"},
      {{{"host", "web.example"}, {"Host", "other"}},
       "Host: web.example\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n"},
      {{{"User-Agent", "me"}, {"accept", "text/html"}},
       "Host: h:1\r\nUser-Agent: me\r\naccept: text/html\r\nConnection: close\r\n"},
      {{{"User-Agent", ""}, {"Accept", ""}, {"Accept", "x/y"}},
       "Host: h:1\r\nConnection: close\r\n"},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}, {"Connection", "Upgrade"}},
       "Host: h:1\r\nUser-Agent: kube-probe/1.36\r\nConnection: Upgrade\r\nAccept: */*\r\n"},
  };
  const Url url = UrlFor("HTTP", "h", 1, "/x");
  for (const Row& row : rows) {
    Result<std::string> text = RequestText(url, row.headers, {"kube-probe/1.36", "", true});
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, std::string("GET /x HTTP/1.1\r\n") + row.text + "\r\n");
  }
  Result<std::string> redirected =
      RequestText(url, {{"Host", "web"}, {"Accept", ""}}, {"", "http://h:1/a", false});
  EXPECT_EQ(*redirected,
            "GET /x HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\nReferer: http://h:1/a\r\n\r\n");
}

TEST(HttpRequest, HeadersThatWouldBreakIt) {
  const Url url = UrlFor("HTTP", "h", 1, "/");
  const std::pair<HttpHeaders, const char*> rows[] = {
      {{{"X", "a\r\nY: b"}}, "net/http: invalid header field value for \"X\""},
      {{{"X Y", "a"}}, "net/http: invalid header field name \"X Y\""},
      {{{"", "a"}}, "net/http: invalid header field name \"\""},
      {{{"Host", "a b"}}, "http: invalid Host header"},
  };
  for (const auto& [headers, message] : rows) {
    Result<std::string> text = RequestText(url, headers, {});
    ASSERT_FALSE(text.ok());
    EXPECT_EQ(text.error().message(), message);
  }
}

struct Read {
  bool complete = false;
  int status = 0;
  std::string location, body, error;
};

// In pieces of `step` bytes; `closed`: the server closes at the end.
Read ReadAll(std::string_view bytes, size_t step, bool closed) {
  HttpResponse response;
  Read out;
  Status fed = OkStatus();
  while (fed && !bytes.empty()) {
    fed = response.Feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (fed && closed) fed = response.End();
  out.complete = response.complete();
  if (response.has_headers()) out.status = response.status();
  out.location = response.location();
  out.body = response.body();
  if (!fed) out.error = fed.error().message();
  return out;
}

TEST(HttpResponse, Whole) {
  struct Row {
    const char* bytes;
    bool closed;
    int status;
    const char *location, *body;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "", "ok"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", false, 200, "", "ok"},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", ""},
      {"HTTP/1.0 200 OK\r\n\r\nto the end", true, 200, "", "to the end"},
      {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 200, "", ""},
      {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", false, 200, "", "ok"},
      {"HTTP/1.1 200 OK\n\nok", true, 200, "", "ok"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
       false, 200, "", "abcde"},
      {"HTTP/1.1 302 Found\r\nlocation: /a\r\nLocation: /b\r\nX: y\r\nContent-Length: 0\r\n\r\n",
       false, 302, "/a", ""},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLocation: /no\r\n\r\n"
       "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nx",
       false, 503, "", "x"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nwhatever",
       false, 101, "", ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, "", ""},
  };
  for (const Row& row : rows) {
    for (size_t step : {1, 7, 100000}) {
      Read read = ReadAll(row.bytes, step, row.closed);
      EXPECT_EQ(read.error, "") << row.bytes;
      EXPECT_TRUE(read.complete) << row.bytes;
      EXPECT_EQ(read.status, row.status) << row.bytes;
      EXPECT_EQ(read.location, row.location) << row.bytes;
      EXPECT_EQ(read.body, row.body) << row.bytes;
    }
  }
}

TEST(HttpResponse, Broken) {
  const std::string prefix = "net/http: HTTP/1.x transport connection broken: ";
  const std::pair<std::string, std::string> rows[] = {
      {"", "EOF"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n", "unexpected EOF"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "unexpected EOF"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "unexpected EOF"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       "invalid character in chunk size header"},
      {"SSH-2.0-OpenSSH\r\n", prefix + "malformed HTTP response \"SSH-2.0-OpenSSH\""},
      {"HTTP/1.1 abc\r\n", prefix + "malformed HTTP response \"HTTP/1.1 abc\""},
      {"HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n",
       prefix + "malformed MIME header: invalid character in header"},
  };
  for (const auto& [bytes, message] : rows) {
    Read read = ReadAll(bytes, 100000, true);
    EXPECT_FALSE(read.complete) << bytes;
    EXPECT_EQ(read.error, message) << bytes;
  }
}

TEST(HttpResponse, Endless) {
  std::string body = "HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, 'x');
  Read read = ReadAll(body, 4096, false);
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.body.size(), HttpResponse::kMostBody);

  std::string headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10000; ++i) headers += "X-Header-Of-Many: some value or other\r\n";
  read = ReadAll(headers, 4096, false);
  EXPECT_EQ(read.error,
            "net/http: HTTP/1.x transport connection broken: net/http: server response headers "
            "exceeded 81920 bytes; aborted");

  std::string hints;
  for (int i = 0; i < 10; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  read = ReadAll(hints, 4096, false);
  EXPECT_EQ(read.error,
            "net/http: HTTP/1.x transport connection broken: net/http: too many 1xx informational "
            "responses");
}

}  // namespace
}  // namespace kpod::pods
