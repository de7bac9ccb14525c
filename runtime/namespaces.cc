#include "runtime/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <map>

#include "base/text.h"

namespace kpod::runtime {

int NamespaceFlag(std::string_view type) {
  static const std::map<std::string_view, int> table = {
      {"pid", CLONE_NEWPID},      {"network", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC},
      {"uts", CLONE_NEWUTS},      {"mount", CLONE_NEWNS},    {"user", CLONE_NEWUSER},
      {"cgroup", CLONE_NEWCGROUP}};
  auto it = table.find(type);
  return it == table.end() ? 0 : it->second;
}

bool InUserNamespace() {
  constexpr ino_t kInitialUserNamespace = 0xEFFFFFFDU;  // PROC_USER_INIT_INO
  struct stat st;
  return ::stat("/proc/self/ns/user", &st) == 0 && st.st_ino != kInitialUserNamespace;
}

Result<NamespacePlan> PlanNamespaces(const Spec& spec, const std::vector<JoinNamespace>& join) {
  NamespacePlan out;
  uint64_t seen = 0;
  auto add_join = [&](JoinNamespace j) {
    seen |= static_cast<uint64_t>(j.type);
    if (j.type == CLONE_NEWPID) {
      out.join_pid = j.fd;
    } else if (j.type == CLONE_NEWUSER) {
      out.join_user = j.fd;
    } else {
      out.join.push_back(j);
    }
  };
  for (const JoinNamespace& j : join) add_join(j);
  for (const Namespace& n : spec.namespaces) {
    uint64_t flag = static_cast<uint64_t>(NamespaceFlag(n.type));
    if (flag == 0) return Error(StrCat("namespace type ", Quote(n.type), " is not supported"));
    if ((seen & flag) != 0) continue;
    seen |= flag;
    if (!n.path.empty()) {
      Fd fd = TRY(Open(n.path, O_RDONLY).Context(StrCat(n.type, " namespace")));
      add_join({fd.get(), static_cast<int>(flag)});
      out.opened.push_back(std::move(fd));
    } else if (flag == CLONE_NEWPID || flag == CLONE_NEWUSER) {
      out.clone_flags |= flag;
    } else {
      out.unshare_flags |= flag;
    }
  }
  // The root is changed: in the caller's own mount namespace that would change it for the caller.
  if ((out.unshare_flags & CLONE_NEWNS) == 0) {
    return Error("a container needs a mount namespace of its own");
  }
  return out;
}

}  // namespace kpod::runtime
