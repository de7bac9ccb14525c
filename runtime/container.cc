#include "runtime/container.h"

#include "base/files.h"
#include "base/text.h"
#include "runtime/container_child.h"
#include "runtime/handshake.h"

namespace kpod::runtime {
namespace {

std::string IdMapText(const std::vector<IdMap>& maps) {
  std::string out;
  for (const IdMap& m : maps) out += StrCat(m.container, " ", m.host, " ", m.size, "\n");
  return out;
}

Status WriteIdMaps(const Spec& spec, pid_t pid) {
  if (spec.uid_mappings.empty() || spec.gid_mappings.empty()) {
    return Error("a user namespace needs uidMappings and gidMappings");
  }
  TRY(WriteFile(StrCat("/proc/", pid, "/uid_map"), IdMapText(spec.uid_mappings)));
  return WriteFile(StrCat("/proc/", pid, "/gid_map"), IdMapText(spec.gid_mappings));
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
  c.root = TRY(PrepareRoot(spec, options.rootfs, inside));
  c.mounts = TRY(PrepareMounts(spec, user_namespace));
  c.cgroup_mounts = TRY(PrepareCgroupMounts(spec, options.cgroup));
  c.devices = TRY(PrepareDevices(spec, user_namespace));
  if (!spec.masked_paths.empty()) c.null_tree = TRY(NullDevice());
  c.cgroup = options.cgroup;
  return c;
}

}  // namespace

Result<Started> Start(const Spec& spec, const StartOptions& options) {
  PreparedContainer prepared = TRY(PrepareContainer(spec, options));
  SocketPair pair = TRY(MakeSeqpacketPair());
  CloneRequest request{prepared.namespaces.clone_flags, prepared.namespaces.join_pid,
                       options.cgroup};
  Child child = TRY(CloneChild(request, [&] {
    pair.a.Reset();  // or the parent's death would go unnoticed
    Error error = RunContainerChild(&prepared, pair.b.get());
    ReportFailure(pair.b.get(), error);
    return error.exit_code();
  }));
  pair.b.Reset();
  Result<HandshakeResult> result =
      AwaitExec(pair.a.get(), [&] { return WriteIdMaps(spec, child.pid); });
  if (!result) {
    KillAndReap(child);
    return std::move(result.error());
  }
  return Started{std::move(child), std::move(result->terminal), std::move(result->warnings)};
}

}  // namespace kpod::runtime
