#include "base/fd.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

namespace kpod {

Result<Fd> OpenAt(int dir, const std::string& path, int flags, unsigned mode) {
  int fd;
  do {
    fd = ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return Error::Errno("open " + path);
  return Fd(fd);
}

Result<Fd> Open(const std::string& path, int flags, unsigned mode) {
  return OpenAt(AT_FDCWD, path, flags, mode);
}

Result<Pipe> MakePipe() {
  int p[2];
  if (::pipe2(p, O_CLOEXEC) < 0) return Error::Errno("pipe");
  return Pipe{Fd(p[0]), Fd(p[1])};
}

Result<SocketPair> MakeSeqpacketPair() {
  int p[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) < 0) {
    return Error::Errno("socketpair");
  }
  return SocketPair{Fd(p[0]), Fd(p[1])};
}

Result<Fd> Dup(int fd) {
  int d = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (d < 0) return Error::Errno("dup");
  return Fd(d);
}

namespace {
constexpr size_t kMaxFds = 16;
}

void CloseAllBut(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned from = 0;
  for (int fd : keep) {
    auto at = static_cast<unsigned>(fd);
    if (at > from) ::close_range(from, at - 1, 0);
    from = std::max(from, at + 1);
  }
  ::close_range(from, ~0U, 0);
}

Status SendWithFds(int socket, const std::string& bytes, const std::vector<int>& fds) {
  if (fds.size() > kMaxFds) return Error("cannot pass more than 16 descriptors at once");
  iovec iov{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  if (!fds.empty()) {
    msg.msg_control = control;
    msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(c), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t n;
  do {
    n = ::sendmsg(socket, &msg, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Error::Errno("sendmsg");
  if (static_cast<size_t>(n) != bytes.size()) return Error("sendmsg: short write");
  return OkStatus();
}

Result<Message> ReceiveWithFds(int socket, size_t max_bytes) {
  Message out;
  out.bytes.resize(max_bytes);
  iovec iov{out.bytes.data(), out.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof(control);
  ssize_t n;
  do {
    n = ::recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Error::Errno("recvmsg");
  out.bytes.resize(static_cast<size_t>(n));
  for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c != nullptr; c = CMSG_NXTHDR(&msg, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      out.fds.emplace_back(fd);
    }
  }
  if (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) return Error("recvmsg: message truncated");
  return out;
}

}  // namespace kpod
