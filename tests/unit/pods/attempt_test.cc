// exec, tcpSocket, sleep.
#include "pods/attempt.h"

#include "base/spawn.h"
#include "base/text.h"
#include "tests/unit/pods/loopback.h"

namespace kpod::pods {
namespace {

class ExecAttempt : public AttemptTest {
 protected:
  ExecAttempt() {
    context_.exec = [this](const std::vector<std::string>& argv,
                           int output_fd) -> Result<runtime::Started> {
      runtime::Started started;
      started.child = TRY(Fork([&] {
        ::dup2(output_fd, 1);
        ::dup2(output_fd, 2);
        ::execlp("sh", "sh", "-c", argv[0].c_str(), nullptr);
        return 127;
      }));
      pid_ = started.child.pid;
      return started;
    };
  }

  static kube::Handler Command(const std::string& script) {
    kube::Handler handler;
    handler.exec = std::vector<std::string>{script};
    return handler;
  }
  bool IsGone() const { return ::kill(pid_, 0) < 0 && errno == ESRCH; }

  pid_t pid_ = 0;
};

TEST_F(ExecAttempt, TheExitCodeDecides) {
  EXPECT_TRUE(Try(Command("true")).success);
  AttemptResult failed = Try(Command("echo out; echo err >&2; exit 3"));
  EXPECT_FALSE(failed.success);
  EXPECT_FALSE(failed.errored);
  EXPECT_EQ(failed.message, "out\nerr\n");
  EXPECT_TRUE(IsGone());
  EXPECT_FALSE(Try(Command("kill -9 $$")).success);
}

TEST_F(ExecAttempt, AHookSaysWhatItRan) {
  context_.hook = true;
  EXPECT_EQ(Try(Command("echo no; exit 3")).message,
            "command 'echo no; exit 3' exited with 3: no\n");
}

TEST_F(ExecAttempt, OutputIsKeptInPart) {
  AttemptResult result = Try(Command("head -c 3000000 /dev/zero | tr '\\0' x; exit 1"));
  EXPECT_FALSE(result.success);
  EXPECT_EQ(result.message, std::string(10240, 'x'));
}

TEST_F(ExecAttempt, WhoKeepsTheOutputOpenIsNotWaitedFor) {
  AttemptResult result = Try(Command("sleep 60 & echo $!; exit 1"));
  EXPECT_FALSE(result.success);
  std::optional<int64_t> left = ParseInt(Trim(result.message));
  ASSERT_TRUE(left);
  EXPECT_EQ(::kill(static_cast<pid_t>(*left), SIGKILL), 0);
}

TEST_F(ExecAttempt, ATimeoutEndsTheCommand) {
  AttemptResult result = Try(Command("exec sleep 60"), 100'000'000);
  EXPECT_FALSE(result.success);
  EXPECT_FALSE(result.errored);
  EXPECT_EQ(result.message, "command timed out: \"exec sleep 60\" timed out after 100ms");
  EXPECT_TRUE(StepUntil([&] { return IsGone(); }));
}

TEST_F(ExecAttempt, DestroyingItEndsTheCommand) {
  std::unique_ptr<Attempt> attempt =
      StartAttempt(context_, Command("exec sleep 60"), 0, [](const AttemptResult&) { FAIL(); });
  ASSERT_TRUE(StepUntil([&] { return pid_ != 0; }));
  attempt.reset();
  EXPECT_TRUE(StepUntil([&] { return IsGone(); }));
}

TEST_F(ExecAttempt, ACommandThatCannotBeStartedIsNoAnswer) {
  context_.exec = [](const std::vector<std::string>&, int) -> Result<runtime::Started> {
    return Error("exec /no/such: No such file or directory");
  };
  AttemptResult result = Try(Command("x"));
  EXPECT_FALSE(result.success);
  EXPECT_TRUE(result.errored);
  EXPECT_EQ(result.message, "exec /no/such: No such file or directory");
}

class TcpAttempt : public AttemptTest {
 protected:
  static kube::Handler Tcp(int port, const std::string& host = "", const std::string& name = "") {
    kube::Handler handler;
    handler.tcp_socket = kube::TcpSocketAction{host, {port, name}};
    return handler;
  }
};

TEST_F(TcpAttempt, AConnectionIsEnough) {
  LoopbackServer server(UntilClosed);
  EXPECT_TRUE(Try(Tcp(server.port())).success);
  EXPECT_TRUE(Try(Tcp(server.port(), "localhost")).success);
  context_.pod_ip = "";
  EXPECT_TRUE(Try(Tcp(server.port())).success);
}

TEST_F(TcpAttempt, Refused) {
  int port = LoopbackServer(UntilClosed).port();  // closed by now
  AttemptResult result = Try(Tcp(port));
  EXPECT_FALSE(result.success);
  EXPECT_FALSE(result.errored);
  EXPECT_EQ(result.message, StrCat("dial tcp 127.0.0.1:", port, ": connect: connection refused"));
  EXPECT_EQ(Try(Tcp(port, "::1")).message,
            StrCat("dial tcp [::1]:", port, ": connect: connection refused"));
}

TEST_F(TcpAttempt, PortsThatAreNone) {
  for (const auto& [port, name, message] :
       {std::tuple(0, "web", "port \"web\" not found"), std::tuple(0, "", "invalid port number: 0"),
        std::tuple(65536, "", "invalid port number: 65536")}) {
    AttemptResult result = Try(Tcp(port, "", name));
    EXPECT_TRUE(result.errored);
    EXPECT_FALSE(result.success);
    EXPECT_EQ(result.message, message);
  }
}

TEST_F(TcpAttempt, AServerWhoseQueueIsFullTimesOut) {
  Fd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(a);
  ASSERT_EQ(::bind(full.get(), reinterpret_cast<sockaddr*>(&a), size), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  ::getsockname(full.get(), reinterpret_cast<sockaddr*>(&a), &size);
  Fd waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(waiting.get(), reinterpret_cast<sockaddr*>(&a), size), 0);
  int port = ntohs(a.sin_port);
  EXPECT_EQ(Try(Tcp(port), 200'000'000).message,
            StrCat("dial tcp 127.0.0.1:", port, ": i/o timeout"));
}

class OtherAttempts : public AttemptTest {};

TEST_F(OtherAttempts, SleepEndsWell) {
  kube::Handler handler;
  handler.sleep_seconds = 0;
  EXPECT_TRUE(Try(handler).success);
  handler.sleep_seconds = 1000;
  EXPECT_FALSE(Try(handler, 1'000'000).success);
}

TEST_F(OtherAttempts, AHandlerWithoutAKindIsNoAnswer) { EXPECT_TRUE(Try(kube::Handler{}).errored); }

}  // namespace
}  // namespace kpod::pods
