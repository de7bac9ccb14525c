// What a thousand probes a second cost the supervisor's thread: probers of a period of one second
// each, half of them httpGet and half tcpSocket, against a server in another process. Prints the
// part of a core that they take; a tenth is too much.
//   build/bin/probes [PROBERS [SECONDS]]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "base/spawn.h"
#include "pods/prober.h"

namespace {

using namespace kpod;  // NOLINT(google-build-using-namespace)

constexpr int64_t kSecond = 1'000'000'000;

int Listen(Fd* listening) {
  *listening = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(a);
  if (::bind(listening->get(), reinterpret_cast<sockaddr*>(&a), size) < 0 ||
      ::listen(listening->get(), 4096) < 0)
    return 0;
  ::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&a), &size);
  return ntohs(a.sin_port);
}

// Answers whatever comes, then closes.
int Serve(int listening) {
  Loop loop = Loop::Create().value();
  std::map<int, Fd> connections;
  (void)loop.OnReadable(listening, [&] {
    for (;;) {
      Fd fd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) return;
      int number = fd.get();
      connections[number] = std::move(fd);
      (void)loop.OnReadable(number, [&, number] {
        char request[4096];
        constexpr char kResponse[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if (::recv(number, request, sizeof(request), 0) > 0)
          (void)::send(number, kResponse, sizeof(kResponse) - 1, MSG_NOSIGNAL);
        loop.Forget(number);
        connections.erase(number);
      });
    }
  });
  return loop.Run() ? 0 : 1;
}

double CpuSeconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  int probers = argc > 1 ? std::atoi(argv[1]) : 1000;
  int seconds = argc > 2 ? std::atoi(argv[2]) : 10;
  if (probers < 1 || seconds < 1) return 2;
  Fd listening;
  int port = Listen(&listening);
  Result<Child> server = Fork([&] { return Serve(listening.get()); });
  if (port == 0 || !server) return 1;

  Loop loop = Loop::Create().value();
  pods::AttemptContext context;
  context.loop = &loop;
  context.pod_ip = "127.0.0.1";
  kube::Probe tcp;
  tcp.handler.tcp_socket = kube::TcpSocketAction{"", {port, ""}};
  kube::Probe http;
  http.handler.http_get.emplace();
  http.handler.http_get->port.number = port;
  tcp.period = http.period = 1;
  size_t succeeded = 0;
  size_t failed = 0;
  pods::Prober::Callbacks callbacks;
  callbacks.result = [&](bool success, const std::string&) { ++(success ? succeeded : failed); };
  std::vector<std::unique_ptr<pods::Prober>> all;
  for (int i = 0; i < probers; ++i) {
    loop.After(kSecond / probers * i, [&, i] {
      all.push_back(std::make_unique<pods::Prober>(context, i % 2 == 0 ? http : tcp, callbacks));
    });
  }
  double begin = 0;
  loop.After(2 * kSecond, [&] {
    begin = CpuSeconds();
    succeeded = failed = 0;
  });
  loop.After((2 + seconds) * kSecond, [&] { loop.Stop(); });
  bool ran = loop.Run().ok();
  double used = CpuSeconds() - begin;
  ::kill(server->pid, SIGKILL);
  (void)WaitFor(*server);
  std::printf("%.0f probes a second, %zu failed: %.1f %% of a core, %.0f us each\n",
              static_cast<double>(succeeded + failed) / seconds, failed, 100 * used / seconds,
              1e6 * used / static_cast<double>(succeeded + failed));
  return ran && failed == 0 && used / seconds < 0.1 ? 0 : 1;
}
