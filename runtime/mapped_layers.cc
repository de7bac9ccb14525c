#include "runtime/mapped_layers.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/text.h"
#include "runtime/clone.h"
#include "runtime/syscalls.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

Status MountMapped(const std::vector<std::string>& layers, int user_namespace) {
  if (::unshare(CLONE_NEWNS) < 0) return Error::Errno("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return Error::Errno("separate the mounts from the host's");
  }
  for (const std::string& layer : layers) {
    Fd tree = TRY(CloneTree(AT_FDCWD, layer, false));
    TRY(MapOwners(tree.get(), user_namespace, false, "the layer " + layer));
    Fd target = TRY(Open(layer, O_PATH | O_DIRECTORY));
    TRY(AttachMount(tree.get(), target.get()).Context(layer));
  }
  return OkStatus();
}

}  // namespace

Result<Fd> WithMappedLayers(const std::vector<std::string>& layers, int user_namespace,
                            const std::function<Result<Fd>()>& make) {
  SocketPair pair = TRY(MakeSeqpacketPair());
  Child child = TRY(CloneChild({}, [&] {
    pair.a.Reset();
    Status mounted = MountMapped(layers, user_namespace);
    Result<Fd> made = mounted ? make() : Result<Fd>(std::move(mounted.error()));
    if (made) {
      (void)SendWithFds(pair.b.get(), "made", {made->get()});
    } else {
      (void)SendWithFds(pair.b.get(), made.error().message(), {});
    }
    return 0;
  }));
  pair.b.Reset();
  Result<Message> said = ReceiveWithFds(pair.a.get());
  KillAndReap(child);
  if (!said) return std::move(said.error());
  if (!said->fds.empty()) return std::move(said->fds[0]);
  return Error(said->bytes.empty() ? "a helper was killed" : said->bytes);
}

}  // namespace kpod::runtime
