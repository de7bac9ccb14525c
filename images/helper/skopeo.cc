#include "images/helper/skopeo.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

#include "base/spawn.h"
#include "base/text.h"
#include "images/helper/interrupt.h"

namespace kpod::images {

namespace {

constexpr int kTickMillis = 1000;
constexpr size_t kMaxOutput = 8 << 20;

// The last line of what skopeo said, without its own framing.
std::string Reason(std::string_view err) {
  std::vector<std::string> lines = Split(Trim(err), '\n');
  std::string line = lines.empty() ? "skopeo failed" : lines.back();
  constexpr std::string_view kMessage = "msg=\"";
  if (size_t at = line.find(kMessage); at != std::string::npos) {
    line = ReplaceAll(line.substr(at + kMessage.size()), "\\\"", "\"");
    if (line.ends_with('"')) line.pop_back();
  }
  return line;
}

Result<Child> Spawn(std::vector<std::string>& argv, const Pipe& out, const Pipe& err) {
  pid_t parent = ::getpid();
  return Fork([&]() -> int {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return kExitFailure;
    AllowInterrupts();
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(out.write.get(), 1);
    ::dup2(err.write.get(), 2);
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    return errno == ENOENT ? kExitNotFound : kExitCannotInvoke;
  });
}

// One read; closes at the end. What is more than `max` is read and dropped.
void Drain(Fd& fd, std::string& text, size_t max) {
  char buffer[16384];
  ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
  if (n == 0 || (n < 0 && errno != EINTR)) fd.Reset();
  if (n > 0 && text.size() < max) text.append(buffer, static_cast<size_t>(n));
}

Status Listen(Fd out, Fd err, const std::function<Result<int>()>& tick, std::string& said,
              std::string& complained) {
  int wait = 0;
  while (out || err) {
    TRY(CheckInterrupted());
    pollfd fds[3] = {{out ? out.get() : -1, POLLIN, 0},
                     {err ? err.get() : -1, POLLIN, 0},
                     {InterruptFd(), POLLIN, 0}};
    int ready = ::poll(fds, 3, wait);
    if (ready < 0 && errno != EINTR) return Error::Errno("poll");
    if (ready == 0) wait = tick ? TRY(tick()) : kTickMillis;
    if (ready <= 0) continue;
    if (fds[0].revents != 0) Drain(out, said, kMaxOutput);
    if (fds[1].revents != 0) Drain(err, complained, 65536);
  }
  return CheckInterrupted();
}

}  // namespace

Result<std::string> RunSkopeo(std::vector<std::string> argv,
                              const std::function<Result<int>()>& tick) {
  Pipe out = TRY(MakePipe());
  Pipe err = TRY(MakePipe());
  Child child = TRY(Spawn(argv, out, err));
  out.write.Reset();
  err.write.Reset();
  std::string said, complained;
  Status heard = Listen(std::move(out.read), std::move(err.read), tick, said, complained);
  // Gone before the directory it writes into is removed.
  if (!heard) ::kill(child.pid, SIGKILL);
  ExitState exit = TRY(WaitFor(child));
  TRY(std::move(heard));
  if (exit.code == kExitNotFound && complained.empty()) {
    return Error(
        "skopeo is not installed, and kpod pulls images with it: install the package skopeo",
        kExitNotFound);
  }
  if (exit.code != 0) return Error(Reason(complained));
  if (said.size() >= kMaxOutput) return Error("its answer is too long");
  return said;
}

}  // namespace kpod::images
