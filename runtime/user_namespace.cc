#include "runtime/user_namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/files.h"
#include "base/text.h"
#include "runtime/clone.h"
#include "runtime/syscalls.h"

namespace kpod::runtime {
namespace {

std::string IdMapText(const std::vector<IdMap>& maps) {
  std::string out;
  for (const IdMap& m : maps) out += StrCat(m.container, " ", m.host, " ", m.size, "\n");
  return out;
}

// A child that holds a namespace until it is killed, or its parent ends.
void Hold(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  while (::getppid() == parent) ::pause();  // it may have ended before the line above
}

}  // namespace

Status WriteIdMaps(pid_t pid, const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
  if (uids.empty() || gids.empty()) {
    return Error("a user namespace needs uidMappings and gidMappings");
  }
  TRY(WriteFile(StrCat("/proc/", pid, "/uid_map"), IdMapText(uids)));
  return WriteFile(StrCat("/proc/", pid, "/gid_map"), IdMapText(gids));
}

Result<Fd> MakeUserNamespace(const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
  pid_t self = ::getpid();
  Result<Child> holder = CloneChild({CLONE_NEWUSER}, [&] {
    Hold(self);
    return 0;
  });
  if (!holder && holder.error().code() == ENOSPC) {
    return Error("make a user namespace: there are as many as user.max_user_namespaces allows");
  }
  if (!holder) return std::move(holder.error()).Wrap("make a user namespace");
  Undo end([&] { KillAndReap(*holder); });
  TRY(WriteIdMaps(holder->pid, uids, gids));
  return Open(StrCat("/proc/", holder->pid, "/ns/user"), O_RDONLY);
}

Status JoinUserNamespace(int user_namespace) {
  if (::setns(user_namespace, CLONE_NEWUSER) < 0) return Error::Errno("join the user namespace");
  if (::setgroups(0, nullptr) < 0 || ::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return Error::Errno("become root of the user namespace");
  }
  return OkStatus();
}

Status EnterNamespacesOf(int user_namespace, int types) {
  SocketPair pair = TRY(MakeSeqpacketPair());
  pid_t self = ::getpid();
  Child holder = TRY(CloneChild({}, [&] {
    pair.a.Reset();
    Status made = JoinUserNamespace(user_namespace);
    if (made && ::unshare(types) < 0) made = Error::Errno("make namespaces of a user namespace");
    (void)SendWithFds(pair.b.get(), made ? "ready" : made.error().message(), {});
    if (made) Hold(self);
    return 1;
  }));
  Undo end([&] { KillAndReap(holder); });
  pair.b.Reset();
  Message said = TRY(ReceiveWithFds(pair.a.get()));
  if (said.bytes != "ready") return Error(said.bytes.empty() ? "a helper was killed" : said.bytes);
  if (::setns(holder.pidfd.get(), types) < 0) return Error::Errno("enter the new namespaces");
  return OkStatus();
}

Result<std::vector<IdMap>> ReadUserMap(pid_t pid) {
  std::string text = TRY(ReadFile(StrCat("/proc/", pid, "/uid_map"), 1 << 16));
  std::vector<IdMap> out;
  for (const std::string& line : Split(text, '\n')) {
    std::vector<std::string> words = Split(line, ' ');
    std::erase(words, "");
    if (words.size() != 3) continue;
    auto id = [&](size_t i) { return static_cast<uint32_t>(ParseInt(words[i]).value_or(0)); };
    out.push_back({id(0), id(1), id(2)});
  }
  return out;
}

uint32_t HostId(const std::vector<IdMap>& map, uint32_t id) {
  for (const IdMap& m : map) {
    if (id >= m.container && id - m.container < m.size) return m.host + (id - m.container);
  }
  return id;
}

Status MapOwners(int tree, int user_namespace, bool recursive, const std::string& what) {
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_IDMAP;
  attr.userns_fd = static_cast<uint64_t>(user_namespace);
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (::mount_setattr(tree, "", flags, &attr, sizeof(attr)) == 0) return OkStatus();
  int code = errno;
  Error e = Error::Errno("map the owners of " + what, code);
  if (code != EINVAL) return e;
  return Error(StrCat(e.message(), " (its file system has no id-mapped mounts on this kernel)"))
      .WithCode(code);
}

}  // namespace kpod::runtime
