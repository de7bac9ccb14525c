#include "pods/attach_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "pods/control.h"
#include "pods/terminal.h"

namespace kpod::pods {

namespace {

class Client {
 public:
  Client(Fd connection, Fd out, Fd err, AttachRequest request)
      : connection_(std::move(connection)),
        from_{std::move(out), std::move(err)},
        request_(std::move(request)) {}

  Status Begin() {
    Message m = TRY(ReceiveWithFds(connection_.get()));
    if (m.bytes.empty()) return Error("lost connection to pod");
    Json answer = TRY(ParseJson(m.bytes, "supervisor's answer"));
    std::string error = StringAt(answer, "error");
    if (!error.empty()) return Error(error, static_cast<int>(IntAt(answer, "exit", kExitFailure)));
    if (!m.fds.empty()) input_ = std::move(m.fds[0]);
    reads_ = input_.valid();
    end_.was_terminal = request_.tty && input_ && BoolAt(answer, "tty") && ::isatty(0) == 1;
    return OkStatus();
  }

  Result<AttachEnd> Run() {
    ::signal(SIGPIPE, SIG_IGN);
    std::optional<RawTerminal> raw;
    Fd signals;
    if (end_.was_terminal) {
      if (request_.on_terminal) request_.on_terminal();
      signals = TRY(TerminalSignals());
      raw.emplace();
      CopyWindowSize(input_.get(), true);
    }
    while (!end_.detached && (connection_ || from_[0] || from_[1])) {
      pollfd fds[6] = {{reads_ && typed_.empty() ? 0 : -1, POLLIN, 0},
                       {typed_.empty() ? -1 : input_.get(), POLLOUT, 0},
                       {from_[0].get(), POLLIN, 0},
                       {from_[1].get(), POLLIN, 0},
                       {connection_.get(), POLLIN, 0},
                       {signals.get(), POLLIN, 0}};
      if (::poll(fds, 6, -1) < 0 && errno != EINTR) return Error::Errno("poll");
      if (fds[0].revents != 0) ReadInput();
      if (fds[1].revents != 0) WriteInput();
      for (int i : {0, 1}) {
        if (fds[2 + i].revents != 0) TRY(Print(i));
      }
      if (fds[4].revents != 0) TRY(Hear());
      if (fds[5].revents != 0) {
        end_.signal = ReadTerminalSignals(signals.get(), input_.get());
        end_.detached = end_.detached || end_.signal != 0;
      }
    }
    return end_;
  }

 private:
  void ReadInput() {
    char buffer[4096];
    ssize_t n = ::read(0, buffer, sizeof(buffer));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) return EndInput();
    DetachKeys::Typed typed{{buffer, static_cast<size_t>(n)}, false};
    if (end_.was_terminal) typed = request_.detach_keys.Feed(typed.text);
    typed_ = std::move(typed.text);
    end_.detached = typed.detached;
    WriteInput();
  }

  // The descriptor is the container's own end, which others write to as well: it does not block.
  void WriteInput() {
    if (typed_.empty()) return;
    ssize_t n = ::write(input_.get(), typed_.data(), typed_.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n < 0) return EndInput();
    typed_.erase(0, static_cast<size_t>(n));
  }

  void EndInput() {
    reads_ = false;
    typed_.clear();
    if (!end_.was_terminal) input_.Reset();
    if (connection_) (void)SendWithFds(connection_.get(), Dump(Json{{"op", "stdin-end"}}), {});
  }

  Status Print(int stream) {
    char buffer[64 << 10];
    ssize_t n = ::read(from_[stream].get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) return OkStatus();
    if (n <= 0) {
      from_[stream].Reset();
      return OkStatus();
    }
    return WriteAll(stream + 1, {buffer, static_cast<size_t>(n)});
  }

  Status Hear() {
    Message m = TRY(ReceiveWithFds(connection_.get()));
    if (m.bytes.empty()) return Error("lost connection to pod", 1);
    Json words = TRY(ParseJson(m.bytes, "supervisor"));
    if (BoolAt(words, "dropped"))
      return Error("the container writes more than is read here: see its log", 1);
    end_.exit_code = static_cast<int>(IntAt(words, "exit"));
    reads_ = false;
    typed_.clear();
    connection_.Reset();  // what is in the pipes is still to be printed
    return OkStatus();
  }

  Fd connection_, input_;
  Fd from_[2];
  AttachRequest request_;
  AttachEnd end_;
  bool reads_ = false;
  std::string typed_;  // and not written yet
};

}  // namespace

Result<AttachEnd> Attach(const store::Paths& paths, const PodRecord& pod, AttachRequest request) {
  Fd connection = TRY(ConnectControl(paths.Control(pod.plan.ns, pod.plan.name)));
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  constexpr int kPipeBytes = 1 << 20;
  for (const Pipe* p : {&out, &err}) (void)::fcntl(p->write.get(), F_SETPIPE_SZ, kPipeBytes);
  request.words["container"] = request.container;
  request.words["stdin"] = request.input;
  TRY(SendWithFds(connection.get(), Dump(request.words), {out.write.get(), err.write.get()}));
  out.write.Reset();
  err.write.Reset();
  Client client(std::move(connection), std::move(out.read), std::move(err.read),
                std::move(request));
  TRY(client.Begin());
  return client.Run();
}

}  // namespace kpod::pods
