#include "runtime/handshake.h"

#include <sys/socket.h>

#include "base/text.h"

namespace kpod::runtime {
namespace {

constexpr size_t kMaxMessage = 8192;

// A warning must fit; the texts are ours but may quote what the image or the manifest says.
std::string Clip(std::string s, size_t n) {
  if (s.size() > n) s.resize(n);
  return s;
}

}  // namespace

void ReportFailure(int socket, const Error& error) {
  std::string message = "E";
  message.push_back(static_cast<char>(error.exit_code()));
  message += Clip(error.message(), kMaxMessage - 16);
  (void)::send(socket, message.data(), message.size(), MSG_NOSIGNAL);
}

Status ReportReady(int socket, const std::vector<std::string>& warnings) {
  std::string message = "R" + Join(warnings, std::string_view("\0", 1));
  message = Clip(std::move(message), kMaxMessage);
  if (::send(socket, message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    return Error::Errno("the parent is gone");
  }
  return OkStatus();
}

Status SendTerminal(int socket, int master) { return SendWithFds(socket, "T", {master}); }

Status AwaitIdMaps(int socket) {
  if (::send(socket, "M", 1, MSG_NOSIGNAL) < 0) return Error::Errno("ask for the id maps");
  char answer = 0;
  ssize_t n = ::recv(socket, &answer, 1, 0);
  if (n != 1 || answer != 'G') return Error("the id maps were not written");
  return OkStatus();
}

Result<HandshakeResult> AwaitExec(int socket, const std::function<Status()>& write_id_maps) {
  HandshakeResult out;
  bool ready = false;
  for (;;) {
    Message m = TRY(ReceiveWithFds(socket, kMaxMessage));
    if (m.bytes.empty()) {
      if (ready) return out;
      return Error("the container's process was killed before it could run its program");
    }
    std::string_view body = std::string_view(m.bytes).substr(1);
    switch (m.bytes[0]) {
      case 'M':
        TRY(write_id_maps());
        if (::send(socket, "G", 1, MSG_NOSIGNAL) < 0) return Error::Errno("send");
        break;
      case 'T':
        if (m.fds.empty()) return Error("no terminal came with the message");
        out.terminal = std::move(m.fds[0]);
        break;
      case 'R':
        ready = true;
        out.warnings = Split(body, '\0');
        break;
      case 'E': {
        int code = body.empty() ? int{kExitFailure} : static_cast<unsigned char>(body[0]);
        return Error(std::string(body.substr(body.empty() ? 0 : 1)), code);
      }
      default:
        return Error("unknown message from the container's process");
    }
  }
}

}  // namespace kpod::runtime
