#include "runtime/container.h"

#include <algorithm>

#include "base/text.h"
#include "runtime/container_child.h"
#include "runtime/handshake.h"
#include "runtime/mount_options.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

bool MapsOwners(const Spec& spec, const Rootfs& rootfs) {
  return rootfs.map_owners ||
         std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const Mount& m) {
           Result<MountOptions> options = ParseMountOptions(m);
           return options && options->map_owners;
         });
}

Result<PreparedContainer> PrepareContainer(const Spec& spec, const StartOptions& options) {
  PreparedContainer c;
  c.spec = &spec;
  c.namespaces = TRY(PlanNamespaces(spec, options.join));
  c.process =
      TRY(PrepareProcess(spec.process, spec.seccomp, spec.default_seccomp, options.cache_dir,
                         {options.stdin_fd, options.stdout_fd, options.stderr_fd}));
  c.process.die_with_parent = options.die_with_parent;
  bool inside = InUserNamespace();
  bool user_namespace = inside || c.namespaces.Makes(CLONE_NEWUSER);
  bool joins = c.namespaces.join_user >= 0;
  Fd own_map;
  int map = c.namespaces.join_user;
  if (!joins && c.namespaces.Makes(CLONE_NEWUSER) && MapsOwners(spec, options.rootfs)) {
    // That of the container is not there yet.
    own_map = TRY(MakeUserNamespace(spec.uid_mappings, spec.gid_mappings));
    map = own_map.get();
  }
  c.root = TRY(PrepareRoot(spec, options.rootfs, inside, map));
  c.mounts = TRY(PrepareMounts(spec, user_namespace, map));
  c.cgroup_mounts = TRY(PrepareCgroupMounts(spec, options.cgroup));
  c.devices = TRY(PrepareDevices(spec, user_namespace || joins));
  if (!spec.masked_paths.empty()) c.null_tree = TRY(NullDevice());
  c.cgroup = options.cgroup;
  return c;
}

}  // namespace

Result<Started> Start(const Spec& spec, const StartOptions& options) {
  PreparedContainer prepared = TRY(PrepareContainer(spec, options));
  SocketPair pair = TRY(MakeSeqpacketPair());
  CloneRequest request{prepared.namespaces.clone_flags, prepared.namespaces.join_pid,
                       options.cgroup, prepared.namespaces.join_user};
  Child child = TRY(CloneChild(request, [&] {
    pair.a.Reset();  // or the parent's death would go unnoticed
    Error error = RunContainerChild(&prepared, pair.b.get());
    ReportFailure(pair.b.get(), error);
    return error.exit_code();
  }));
  pair.b.Reset();
  Result<HandshakeResult> result = AwaitExec(
      pair.a.get(), [&] { return WriteIdMaps(child.pid, spec.uid_mappings, spec.gid_mappings); });
  if (!result) {
    KillAndReap(child);
    return std::move(result.error());
  }
  return Started{std::move(child), std::move(result->terminal), std::move(result->warnings)};
}

}  // namespace kpod::runtime
