#include "pods/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

struct Address {
  Fd directory;
  sockaddr_un sun{};
};

Result<Address> AddressOf(const std::string& path) {
  Address a;
  a.directory = TRY(Open(Dirname(path), O_PATH | O_DIRECTORY));
  a.sun.sun_family = AF_UNIX;
  std::string through = StrCat("/proc/self/fd/", a.directory.get(), "/", Basename(path));
  if (through.size() >= sizeof(a.sun.sun_path))
    return Error("control socket: name too long: " + path);
  through.copy(a.sun.sun_path, through.size());
  return a;
}

Result<Fd> MakeSocket() {
  int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error::Errno("socket");
  return Fd(fd);
}

}  // namespace

Result<Fd> ListenControl(const std::string& path) {
  ::unlink(path.c_str());
  Address a = TRY(AddressOf(path));
  Fd fd = TRY(MakeSocket());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&a.sun), sizeof(a.sun)) < 0)
    return Error::Errno("bind " + path);
  if (::listen(fd.get(), 16) < 0) return Error::Errno("listen " + path);
  return fd;
}

Result<Fd> ConnectControl(const std::string& path) {
  Address a = TRY(AddressOf(path));
  Fd fd = TRY(MakeSocket());
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&a.sun), sizeof(a.sun)) < 0) {
    return Error::Errno("connect " + path);
  }
  return fd;
}

Result<Json> CallSupervisor(const store::Paths& paths, const std::string& ns,
                            const std::string& name, const Json& request) {
  Fd fd = TRY(ConnectControl(paths.Control(ns, name)));
  TRY(SendWithFds(fd.get(), Dump(request), {}));
  Message m = TRY(ReceiveWithFds(fd.get()));
  if (m.bytes.empty())
    return Error(StrCat("the supervisor of pod ", name, " ended without an answer"));
  Json answer = TRY(ParseJson(m.bytes, "supervisor's answer"));
  std::string error = StringAt(answer, "error");
  if (!error.empty()) return Error(error);
  return answer;
}

Result<std::vector<std::string>> WaitReady(const StartingPod& pod) {
  Message m = TRY(ReceiveWithFds(pod.handshake.get()));
  if (m.bytes.empty())
    return Error(StrCat("pod ", pod.name, ": its supervisor died while it started"));
  Json answer = TRY(ParseJson(m.bytes, "supervisor's answer"));
  std::string error = StringAt(answer, "error");
  if (!error.empty()) {
    return Error(StrCat("pod ", pod.name, ": ", error),
                 static_cast<int>(IntAt(answer, "exit", kExitFailure)));
  }
  return StringsAt(answer, "warnings");
}

}  // namespace kpod::pods
