// exec: the command's exit code. Source: k8s.io/kubernetes/pkg/probe/exec and the CRI's ExecSync.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/text.h"
#include "pods/attempt_parts.h"

namespace kpod::pods {

namespace {

constexpr size_t kMostOutput = 10 << 10;  // kept; the rest is read and dropped

// Reaps a process that was killed, without waiting here: one that sleeps in the kernel (on a dead
// disk) is gone later.
void ReapLater(Loop* loop, Child child) {
  auto shared = std::make_shared<Child>(std::move(child));
  int fd = shared->pidfd.get();
  (void)loop->OnReadable(fd, [loop, shared] {
    (void)WaitFor(*shared);
    loop->Forget(shared->pidfd.get());
  });
}

class Exec : public AttemptBase {
 public:
  Exec(const AttemptContext& context, std::vector<std::string> argv, int64_t timeout_nanos,
       AttemptDone done)
      : AttemptBase(context, timeout_nanos, std::move(done)), argv_(std::move(argv)) {}

  ~Exec() override {
    CloseOutput();
    Kill();
  }

 private:
  void Begin() override {
    Status started = Start();
    if (!started) Finish(Errored(started.error().message()));
  }

  Status Start() {
    Pipe pipe = TRY(MakePipe());
    if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) < 0) return Error::Errno("fcntl");
    runtime::Started started = TRY(context().exec(argv_, pipe.write.get()));
    child_ = std::move(started.child);
    output_ = std::move(pipe.read);
    TRY(loop()->OnReadable(output_.get(), [this] {
      if (ReadOutput()) CloseOutput();
    }));
    return loop()->OnReadable(child_.pidfd.get(), [this] { OnExit(); });
  }

  // True at its end. One round reads a bounded part: a command that never stops writing must not
  // keep the loop.
  bool ReadOutput() {
    char buffer[16384];
    for (int i = 0; i < 8; ++i) {
      ssize_t n = ::read(output_.get(), buffer, sizeof(buffer));
      if (n < 0) return errno != EAGAIN && errno != EINTR;
      if (n == 0) return true;
      text_.append(buffer, std::min(static_cast<size_t>(n), kMostOutput - text_.size()));
    }
    return false;
  }

  // Whoever still has the other end, a child left in the background, is not waited for.
  void OnExit() {
    if (output_) ReadOutput();
    CloseOutput();
    loop()->Forget(child_.pidfd.get());
    Child child = std::move(child_);
    child_ = Child{};
    Result<ExitState> exit = WaitFor(child);
    if (!exit) return Finish(Errored(exit.error().message()));
    if (exit->code == 0) return Finish({true, std::move(text_)});
    if (context().hook)
      text_ = StrCat("command '", Join(argv_, " "), "' exited with ", exit->code, ": ", text_);
    Finish({false, std::move(text_)});
  }

  AttemptResult TimedOut() override {
    CloseOutput();
    Kill();
    return {false, StrCat("command timed out: ", Quote(Join(argv_, " ")), " timed out after ",
                          FormatDuration(timeout_nanos()))};
  }

  void CloseOutput() {
    if (!output_) return;
    loop()->Forget(output_.get());
    output_.Reset();
  }

  void Kill() {
    if (!child_.pidfd) return;
    loop()->Forget(child_.pidfd.get());
    ::syscall(SYS_pidfd_send_signal, child_.pidfd.get(), SIGKILL, nullptr, 0);
    ReapLater(loop(), std::move(child_));
    child_ = Child{};
  }

  std::vector<std::string> argv_;
  Child child_;
  Fd output_;
  std::string text_;
};

}  // namespace

std::unique_ptr<Attempt> StartExec(const AttemptContext& context,
                                   const std::vector<std::string>& argv, int64_t timeout_nanos,
                                   AttemptDone done) {
  return std::make_unique<Exec>(context, argv, timeout_nanos, std::move(done));
}

}  // namespace kpod::pods
