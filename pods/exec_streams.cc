#include "pods/exec_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/files.h"

namespace kpod::pods {

namespace {

enum class Kind { kNull, kDirect, kRelayed };

Kind KindOf(int fd) {
  struct stat st;
  if (::fstat(fd, &st) < 0) return Kind::kNull;  // closed
  if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) return Kind::kDirect;
  bool null = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
  return null ? Kind::kNull : Kind::kRelayed;
}

}  // namespace

Result<ExecStreams> ExecStreams::Open(bool interactive) {
  ExecStreams s;
  for (int i = interactive ? 0 : 1; i < 3; ++i) {
    Kind kind = KindOf(i);
    s.direct_[i] = kind == Kind::kDirect;
    if (kind != Kind::kRelayed) continue;
    Pipe pipe = TRY(MakePipe());
    s.theirs_[i] = std::move(i == 0 ? pipe.read : pipe.write);
    s.ours_[i] = std::move(i == 0 ? pipe.write : pipe.read);
    if (::fcntl(s.ours_[i].get(), F_SETFL, O_NONBLOCK) < 0) return Error::Errno("fcntl");
  }
  return s;
}

// One read of at most what a pipe that can be written to takes whole (pipe(7), PIPE_BUF).
void ExecStreams::FeedInput() {
  pollfd pipe{ours_[0].get(), POLLOUT, 0};
  if (::poll(&pipe, 1, 0) == 0) {
    input_waits_ = true;
    return;
  }
  input_waits_ = false;
  char buffer[4096];
  ssize_t n = ::read(0, buffer, sizeof(buffer));
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0 || !WriteAll(ours_[0].get(), {buffer, static_cast<size_t>(n)})) ours_[0].Reset();
}

// False when there is nothing to be read now, or no more.
bool ExecStreams::DrainOutput(int stream) {
  char buffer[16384];
  ssize_t n = ::read(ours_[stream].get(), buffer, sizeof(buffer));
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0 || !WriteAll(stream, {buffer, static_cast<size_t>(n)})) {
    ours_[stream].Reset();
    return false;
  }
  return true;
}

Status ExecStreams::Relay(int pidfd) {
  for (Fd& fd : theirs_) fd.Reset();
  if (!ours_[0] && !ours_[1] && !ours_[2]) return OkStatus();
  ::signal(SIGPIPE, SIG_IGN);  // who stops reading is told by EPIPE
  for (;;) {
    pollfd fds[5] = {{ours_[0] && !input_waits_ ? 0 : -1, POLLIN, 0},
                     {ours_[1] ? ours_[1].get() : -1, POLLIN, 0},
                     {ours_[2] ? ours_[2].get() : -1, POLLIN, 0},
                     {ours_[0] && input_waits_ ? ours_[0].get() : -1, POLLOUT, 0},
                     {pidfd, POLLIN, 0}};
    if (::poll(fds, 5, -1) < 0) {
      if (errno == EINTR) continue;
      return Error::Errno("poll");
    }
    if (fds[0].revents != 0 || fds[3].revents != 0) FeedInput();
    if (fds[1].revents != 0) DrainOutput(1);
    if (fds[2].revents != 0) DrainOutput(2);
    if (fds[4].revents == 0) continue;
    // What it left behind may hold the pipes for ever: only what is in them is still wanted.
    for (int i : {1, 2}) {
      for (int rounds = 0; ours_[i] && rounds < 64 && DrainOutput(i); ++rounds) {
      }
    }
    return OkStatus();
  }
}

}  // namespace kpod::pods
