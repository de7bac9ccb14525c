#include "pods/control.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"

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

std::string ProgramBeside(const char* name) {
  if (const char* self = std::getenv("KPOD_SELF")) return JoinPath(Dirname(self), name);
  char buf[4096];
  ssize_t n = ::readlink("/proc/self/exe", buf, sizeof(buf));
  std::string beside =
      JoinPath(Dirname(std::string(buf, n > 0 ? static_cast<size_t>(n) : 0)), name);
  return n > 0 && Exists(beside) ? beside : JoinPath(KPOD_LIBEXECDIR, name);
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

Result<StartingPod> SpawnSupervisor(const store::Paths& paths, const std::string& ns,
                                    const std::string& name) {
  SocketPair pair = TRY(MakeSeqpacketPair());
  std::string program = ProgramBeside("kpod-supervisor");
  // CVE-2019-5736: the supervisor forks the containers, so its executable is given on a read-only
  // mount of its own.
  Fd sealed = TRY(runtime::SealedExecutable(program));
  std::string exe = StrCat("/proc/self/fd/", sealed.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Undo destroy([&] { posix_spawn_file_actions_destroy(&actions); });
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  if (std::getenv("KPOD_SUPERVISOR_STDERR") == nullptr)
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
  // Away from 3 first: the pair's own number may be it.
  Fd high(::fcntl(pair.b.get(), F_DUPFD_CLOEXEC, 100));
  posix_spawn_file_actions_adddup2(&actions, high.get(), kHandshakeFd);
  posix_spawn_file_actions_addchdir_np(&actions, "/");

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  Undo destroy_attributes([&] { posix_spawnattr_destroy(&attributes); });
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string self_env = "KPOD_SELF=" + program;
  std::vector<std::string> words = {"kpod-supervisor", paths.root, paths.run, ns, name};
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  std::string path_env = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::vector<std::string> passed = {self_env, path_env};
  // For the supervisor's own attempts to pull: where logins, mirrors and proxies are.
  for (const char* variable :
       {"HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF", "HTTP_PROXY",
        "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "KPOD_HELPER",
        "ASAN_OPTIONS"}) {
    if (const char* value = std::getenv(variable)) passed.push_back(StrCat(variable, "=", value));
  }
  std::vector<char*> env;
  for (std::string& e : passed) env.push_back(e.data());
  env.push_back(nullptr);

  pid_t pid;
  // Not sealed.get() below /dev/fd: the link is read in the child, whose table is a copy of ours.
  int rc = ::posix_spawn(&pid, exe.c_str(), &actions, &attributes, argv.data(), env.data());
  if (rc != 0) return Error::Errno("run " + program, rc);
  return StartingPod{ns, name, std::move(pair.a)};
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
