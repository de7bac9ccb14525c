#include "network/lookup.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "network/dns_packet.h"

namespace kpod::network {
namespace {

using Strings = std::vector<std::string>;

TEST(Lookup, Hosts) {
  const std::string hosts =
      "# a comment\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n"
      "10.0.0.5 web.example Web # not db\nfe80::1%lo scoped\nnonsense web\n";
  EXPECT_EQ(AddressesInHosts(hosts, "localhost"), (Strings{"127.0.0.1", "::1"}));
  EXPECT_EQ(AddressesInHosts(hosts, "WEB"), Strings{"10.0.0.5"});
  EXPECT_EQ(AddressesInHosts(hosts, "db"), Strings{});
  EXPECT_EQ(AddressesInHosts(hosts, "scoped"), Strings{});
  EXPECT_EQ(AddressesInHosts(hosts, "10.0.0.5"), Strings{});
  EXPECT_EQ(AddressesInHosts("", "web"), Strings{});
}

TEST(Lookup, SearchList) {
  struct Row {
    const char* conf;
    const char* name;
    Strings wanted;
  };
  const Row rows[] = {
      {"", "web", {"web"}},
      {"", "web.", {"web"}},
      {"search a.example b.example\n", "web", {"web.a.example", "web.b.example", "web"}},
      {"search a.example\n", "web.x", {"web.x", "web.x.a.example"}},
      {"search a.example\noptions timeout:1 ndots:2\n", "web.x", {"web.x.a.example", "web.x"}},
      {"search a.example\ndomain b.example.\n", "web", {"web.b.example", "web"}},
      {"search a.example\n", "web.", {"web"}},
      {"search 1 2 3 4 5 6 7 8\n", "w", {"w.1", "w.2", "w.3", "w.4", "w.5", "w.6", "w"}},
      {"options ndots:x\n; search a\n", "web", {"web"}},
  };
  for (const Row& row : rows) EXPECT_EQ(SearchedNames(row.conf, row.name), row.wanted) << row.conf;
}

// A name server at 127.0.0.77 that answers each question as it is told.
class FakeServer {
 public:
  using Respond =
      std::function<std::vector<std::string>(const Question& question, std::string_view query)>;
  explicit FakeServer(Respond respond) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(53);
    ::inet_pton(AF_INET, "127.0.0.77", &a.sin_addr);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)), 0)
        << strerror(errno);
    thread_ = std::thread([this, respond = std::move(respond)] {
      char buffer[4096];
      for (;;) {
        sockaddr_in from{};
        socklen_t size = sizeof(from);
        ssize_t n = ::recvfrom(socket_.get(), buffer, sizeof(buffer), 0,
                               reinterpret_cast<sockaddr*>(&from), &size);
        if (n <= 1) return;  // the destructor's
        std::string_view query(buffer, static_cast<size_t>(n));
        std::optional<Question> question = ParseQuestion(query);
        if (!question) continue;
        asked.push_back(StrCat(question->name, "/", question->type));
        for (const std::string& response : respond(*question, query))
          ::sendto(socket_.get(), response.data(), response.size(), 0,
                   reinterpret_cast<sockaddr*>(&from), size);
      }
    });
  }
  ~FakeServer() { Stop(); }
  void Stop() {
    if (!thread_.joinable()) return;
    Fd waker(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in a{};
    socklen_t size = sizeof(a);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&a), &size);
    ::sendto(waker.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&a), size);
    thread_.join();
    socket_.Reset();
  }
  Strings asked;  // read after Stop

 private:
  Fd socket_;
  std::thread thread_;
};

class LookupTest : public testing::Test {
 protected:
  LookupTest() : loop_(Loop::Create().value()) {
    char path[] = "/tmp/kpod-lookup-XXXXXX";
    directory_ = ::mkdtemp(path);
    options_.hosts = directory_ + "/hosts";
    options_.resolv_conf = directory_ + "/resolv.conf";
    Write("hosts", "10.0.0.5 known\n");
    Write("resolv.conf", "nameserver 127.0.0.77\nsearch a.example\n");
  }
  ~LookupTest() override { std::filesystem::remove_all(directory_); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(directory_ + "/" + name, text).ok());
  }

  // The addresses, or the error.
  std::string Ask(const std::string& name) {
    std::optional<std::string> out;
    Lookup lookup(&loop_, options_);
    lookup.Start(name, [&](Result<Strings> r) { out = r ? Join(*r, " ") : r.error().message(); });
    int64_t end = MonotonicNanos() + 20'000'000'000;
    while (!out && MonotonicNanos() < end) EXPECT_TRUE(loop_.Step(50'000'000).ok());
    return out.value_or("(nothing)");
  }

  static Strings Found(std::string_view query, const std::vector<Ipv4>& addresses) {
    Answer a;
    a.ours = a.exists = true;
    for (Ipv4 ip : addresses) a.addresses.emplace_back(ip);
    return {BuildAnswer(query, a, 1232)};
  }
  static Strings NoSuchName(std::string_view query) {
    Answer a;
    a.ours = true;
    return {BuildAnswer(query, a, 1232)};
  }

  Loop loop_;
  std::string directory_;
  Lookup::Options options_;
};

TEST_F(LookupTest, WhatNeedsNoServer) {
  EXPECT_EQ(Ask("Known"), "10.0.0.5");
  EXPECT_EQ(Ask("localhost"), "127.0.0.1 ::1");
  EXPECT_EQ(Ask("bad name"), "lookup bad name: no such host");
  EXPECT_EQ(Ask(std::string(300, 'a')), StrCat("lookup ", std::string(300, 'a'), ": no such host"));
}

TEST_F(LookupTest, TheSearchListIsGoneThrough) {
  FakeServer server([](const Question& q, std::string_view query) {
    return q.name == "web" ? Found(query, {0x0a000001, 0x0a000002}) : NoSuchName(query);
  });
  EXPECT_EQ(Ask("web"), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(Ask("nosuch"), "lookup nosuch on 127.0.0.77:53: no such host");
  server.Stop();
  EXPECT_EQ(server.asked, (Strings{"web.a.example/1", "web/1", "nosuch.a.example/1", "nosuch/1"}));
}

TEST_F(LookupTest, ANameWithoutIpv4IsAskedForIpv6) {
  FakeServer server([](const Question&, std::string_view query) { return Found(query, {}); });
  EXPECT_EQ(Ask("web.x."), "lookup web.x. on 127.0.0.77:53: no such host");
  server.Stop();
  EXPECT_EQ(server.asked, (Strings{"web.x/1", "web.x/28"}));
}

TEST_F(LookupTest, AnswersToOtherQuestionsAreNotTaken) {
  FakeServer server([](const Question& q, std::string_view query) {
    std::string other_id = WithId(Found(query, {0x0a000009})[0], static_cast<uint16_t>(q.id + 1));
    std::string other_name = Found(BuildAddressQuery("other.x", false, q.id), {0x0a000009})[0];
    return Strings{other_id, other_name, "garbage", Found(query, {0x0a000001})[0]};
  });
  EXPECT_EQ(Ask("web.x"), "10.0.0.1");
}

TEST_F(LookupTest, TheNextServerIsAskedWhenOneDoesNotListenOrFails) {
  Write("resolv.conf", "nameserver 127.0.0.78\nnameserver 127.0.0.77\n");
  FakeServer server([](const Question& q, std::string_view query) {
    return q.name == "web.x" ? Found(query, {0x0a000001}) : Strings{BuildFailure(query)};
  });
  EXPECT_EQ(Ask("web.x"), "10.0.0.1");
  EXPECT_EQ(Ask("other.x"), "lookup other.x on 127.0.0.77:53: server misbehaving");
  Write("resolv.conf", "nameserver 127.0.0.78\n");
  EXPECT_EQ(Ask("web.x"), "lookup web.x on 127.0.0.78:53: connection refused");
}

TEST_F(LookupTest, HostileAnswersAreNoAnswers) {
  FakeServer server([](const Question&, std::string_view query) {
    Strings cut = Found(query, {0x0a000001});
    cut[0].resize(cut[0].size() - 3);  // the header and the question are whole
    return cut;
  });
  EXPECT_EQ(Ask("web.x"), "lookup web.x on 127.0.0.77:53: server misbehaving");
}

}  // namespace
}  // namespace kpod::network
