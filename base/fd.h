// Owners of file descriptors. Every descriptor in kpod has one owner and is close-on-exec.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kpod {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Fd& operator=(Fd&& o) noexcept {
    if (this != &o) Reset(std::exchange(o.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC added; the error names the path.
Result<Fd> Open(const std::string& path, int flags, unsigned mode = 0);
Result<Fd> OpenAt(int dir, const std::string& path, int flags, unsigned mode = 0);

struct Pipe {
  Fd read, write;
};
Result<Pipe> MakePipe();  // O_CLOEXEC both ends
struct SocketPair {
  Fd a, b;
};
Result<SocketPair> MakeSeqpacketPair();  // AF_UNIX SOCK_SEQPACKET, close-on-exec
Result<Fd> Dup(int fd);                  // F_DUPFD_CLOEXEC

// For a child that is about to work for somebody else.
void CloseAllBut(std::vector<int> keep);

// Passing descriptors over AF_UNIX sockets (unix(7), SCM_RIGHTS). At most 16 at once.
Status SendWithFds(int socket, const std::string& bytes, const std::vector<int>& fds);
struct Message {
  std::string bytes;  // empty: end of file
  std::vector<Fd> fds;
};
Result<Message> ReceiveWithFds(int socket, size_t max_bytes = 65536);

}  // namespace kpod
