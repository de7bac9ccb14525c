#include "runtime/container_child.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "runtime/handshake.h"
#include "runtime/procfs.h"
#include "runtime/syscalls.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

Status BecomeNamespaceRoot(const PreparedContainer& c, int socket) {
  if ((c.namespaces.clone_flags & CLONE_NEWUSER) == 0) return OkStatus();
  TRY(AwaitIdMaps(socket));
  if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return Error::Errno("become root of the user namespace");
  }
  return OkStatus();
}

Status EnterNamespaces(const NamespacePlan& plan) {
  for (const JoinNamespace& j : plan.join) {
    if (::setns(j.fd, j.type) < 0) return Error::Errno("join a namespace");
  }
  if (::unshare(static_cast<int>(plan.unshare_flags)) < 0) return Error::Errno("unshare");
  return OkStatus();
}

Status ShutMountNamespace() {
  // What is mounted here must never reach the host, and pivot_root refuses shared mounts.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) {
    return Error::Errno("separate the mounts from the host's");
  }
  return OkStatus();
}

Status NameMachine(const PreparedContainer& c) {
  const Spec& spec = *c.spec;
  if (!c.namespaces.Makes(CLONE_NEWUTS)) return OkStatus();
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0) {
    return Error::Errno("set the host name");
  }
  if (!spec.domainname.empty() &&
      ::setdomainname(spec.domainname.data(), spec.domainname.size()) < 0) {
    return Error::Errno("set the domain name");
  }
  return OkStatus();
}

Status ShutRoot(const Spec& spec, int root) {
  Mount words{"/", "", "", {}};
  if (!spec.rootfs_propagation.empty()) words.options.push_back(spec.rootfs_propagation);
  MountOptions options = TRY(ParseMountOptions(words));
  // Not recursive: each mount has the propagation that its own options say.
  if (options.propagation != 0) {
    TRY(SetMountAttributes(root, 0, 0, options.propagation, false).Context("root propagation"));
  }
  if (spec.root_readonly) {
    TRY(SetMountAttributes(root, MOUNT_ATTR_RDONLY, 0, 0, false).Context("read-only root"));
  }
  return OkStatus();
}

Status EnterContainer(PreparedContainer* c, int socket, std::vector<std::string>* warnings) {
  const Spec& spec = *c->spec;
  const Process& process = spec.process;
  TRY(ResetSignals());
  ::umask(0);  // what is made here has the mode that is said; the program's comes with its ids
  // Processes of a PID namespace that is shared must not look into this one before its program runs
  // (CVE-2016-9962).
  if ((c->namespaces.clone_flags & CLONE_NEWPID) == 0) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  TRY(BecomeNamespaceRoot(*c, socket));
  bool born_inside = c->namespaces.BornInUserNamespace();
  // Before the cgroup namespace, whose root is the group that the process is in.
  if (c->cgroup != nullptr && !born_inside) TRY(c->cgroup->EnterV1());
  TRY(ApplyLimits(c->process, warnings));
  if (c->namespaces.join_user >= 0 && !born_inside) TRY(JoinUserNamespace(c->namespaces.join_user));
  TRY(EnterNamespaces(c->namespaces));
  TRY(NameMachine(*c));
  TRY(ApplySysctls(c->process.proc.get(), spec.sysctl));
  TRY(ShutMountNamespace());

  // The mounts are made while the host's root is still this process's: /proc and /dev are the real
  // ones until everything of the image's is in its place.
  Fd root = TRY(AttachRoot(std::move(c->root)));
  for (PreparedMount& m : c->mounts) TRY(ApplyMount(root.get(), &m, c->cgroup_mounts));
  TRY(ApplyDevices(root.get(), c->devices));
  TRY(SetUpTerminal(process, root.get(), socket, true));
  TRY(ApplyReadonlyPaths(root.get(), spec.readonly_paths));
  TRY(ApplyMaskedPaths(root.get(), spec.masked_paths, std::move(c->null_tree)));
  TRY(EnterRoot(root.get()));
  TRY(EnterWorkingDirectory(root.get(), process.cwd, true));
  TRY(ShutRoot(spec, root.get()));  // after the working directory, which is made when absent
  return SetUpStreams(c->process);
}

}  // namespace

Error RunContainerChild(PreparedContainer* c, int socket) {
  std::vector<std::string> warnings = c->process.warnings;
  Status s = EnterContainer(c, socket, &warnings);
  if (!s) return std::move(s.error());
  return BecomeProgram(c->process, socket, warnings);
}

}  // namespace kpod::runtime
