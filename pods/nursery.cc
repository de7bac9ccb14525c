#include "pods/nursery.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "runtime/container.h"

namespace kpod::pods {

namespace {

std::string ProgramBeside(const char* name) {
  if (const char* self = std::getenv("KPOD_SELF")) return JoinPath(Dirname(self), name);
  char buf[4096];
  ssize_t n = ::readlink("/proc/self/exe", buf, sizeof(buf));
  std::string beside =
      JoinPath(Dirname(std::string(buf, n > 0 ? static_cast<size_t>(n) : 0)), name);
  return n > 0 && Exists(beside) ? beside : JoinPath(KPOD_LIBEXECDIR, name);
}

std::vector<std::string> EnvironmentFor(const std::string& program) {
  std::vector<std::string> out = {
      "KPOD_SELF=" + program, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  // For the supervisor's own attempts to pull: where logins, mirrors and proxies are.
  for (const char* variable :
       {"HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF", "HTTP_PROXY",
        "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "KPOD_HELPER",
        "ASAN_OPTIONS"}) {
    if (const char* value = std::getenv(variable)) out.push_back(StrCat(variable, "=", value));
  }
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> out;
  for (std::string& s : *strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Nursery::~Nursery() {
  if (!socket_) return;
  socket_.Reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Status Nursery::Start() {
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

  std::vector<std::string> words = {"kpod-supervisor", paths_.root, paths_.run, NurseryRoom()};
  std::vector<std::string> environment = EnvironmentFor(program);
  // Not sealed.get() below /dev/fd: the link is read in the child, whose table is a copy of ours.
  int rc = ::posix_spawn(&pid_, exe.c_str(), &actions, &attributes, Pointers(&words).data(),
                         Pointers(&environment).data());
  if (rc != 0) return Error::Errno("run " + program, rc);
  socket_ = std::move(pair.a);
  return OkStatus();
}

void Nursery::Prepare(bool namespaces) {
  if (socket_ || !Start() || !namespaces) return;
  (void)SendWithFds(socket_.get(), Dump(Json{{"op", "namespaces"}}), {});
}

Result<StartingPod> Nursery::Spawn(const std::string& ns, const std::string& name, bool more) {
  SocketPair pair = TRY(MakeSeqpacketPair());
  std::string request = Dump(Json{{"op", "pod"}, {"ns", ns}, {"name", name}, {"more", more}});
  bool asked = socket_ && SendWithFds(socket_.get(), request, {pair.b.get()});
  if (!asked) {  // none was started, or somebody has killed it
    socket_.Reset();
    TRY(Start());
    TRY(SendWithFds(socket_.get(), request, {pair.b.get()}));
  }
  if (!more) socket_.Reset();
  return StartingPod{ns, name, std::move(pair.a)};
}

}  // namespace kpod::pods
