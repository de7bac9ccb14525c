// The side of the nursery that becomes supervisors.
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "base/text.h"
#include "pods/nursery.h"

namespace kpod::pods {

namespace {

// DNS labels and subdomains (RFC 1123, as Kubernetes bounds names), an end each.
constexpr size_t kRoom = 63 + 253 + 2;

void ShowName(const Birth& birth, char* room) {
  std::string words = StrCat(birth.ns, std::string(1, '\0'), birth.name);
  if (words.size() >= kRoom) return;
  std::memset(room, 0, kRoom);
  words.copy(room, words.size());
}

// A sibling, not a child: the nursery, a pod's supervisor later, has no others to wait for.
pid_t CloneSibling() {
  clone_args args{};
  args.flags = CLONE_PARENT;
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
}

}  // namespace

std::string NurseryRoom() { return std::string(kRoom, ' '); }

Result<std::optional<Birth>> AwaitBirth(Fd requests, char* room) {
  SpareNamespaces spare;
  for (;;) {
    Message m = TRY(ReceiveWithFds(requests.get()));
    if (m.bytes.empty()) return std::optional<Birth>();
    Json request = TRY(ParseJson(m.bytes, "request"));
    if (StringAt(request, "op") == "namespaces") {
      spare = SpareNamespaces::Make();
      continue;
    }
    if (m.fds.size() != 1) return Error("a pod without its handshake");
    Birth birth{StringAt(request, "ns"), StringAt(request, "name"), std::move(m.fds[0]),
                std::move(spare)};
    spare = {};
    if (BoolAt(request, "more")) {
      pid_t pid = CloneSibling();
      if (pid > 0) continue;
      if (pid < 0) return Error::Errno("clone3");
      ::setsid();
    }
    ShowName(birth, room);
    return std::optional<Birth>(std::move(birth));
  }
}

}  // namespace kpod::pods
