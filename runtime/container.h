// One container: a process in namespaces, under a cgroup, behind a filter. Fork/exec, no daemon, no
// shim: the container's process is the caller's child, and its loginuid stays that of the caller.
//
// The child's order of steps is container_child.cc, which reads as a table of contents. Handshake:
// a SEQPACKET pair, close-on-exec; end of file means that exec worked, a message is the whole
// sentence of the failure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/spawn.h"
#include "runtime/cgroup.h"
#include "runtime/spec.h"

namespace kpod::runtime {

// An overlay made in the container's own mount namespace with the new mount API (fsopen(2)), so
// that the host never sees a mount and nothing can leak. With no `lower`, spec.root_path is
// bind-mounted as it is.
struct Rootfs {
  std::vector<std::string> lower;  // top layer first
  std::string upper, work;         // made when absent; both empty: a read-only overlay
  // What is the machine's root's in the layers is that of the container's user namespace; `upper`
  // is given to it. Wants Linux 6.5.
  bool map_owners = false;
};

// A namespace that exists already, joined by descriptor. Types not given here follow
// spec.namespaces. The caller's own namespace is shared by leaving the type out of spec.namespaces.
struct JoinNamespace {
  int fd = -1;
  int type = 0;  // CLONE_NEWNET ...
};

struct StartOptions {
  Rootfs rootfs;
  std::vector<JoinNamespace> join;
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;  // -1: /dev/null. With terminal: not used
  Cgroup* cgroup =
      nullptr;  // made by the caller; the child starts inside it. Null: the caller's cgroup
  std::string
      cache_dir;  // compiled seccomp filters are kept here (0700, ours); "": compiled each time
  bool die_with_parent =
      true;  // PR_SET_PDEATHSIG, so that a killed supervisor leaves nothing running
};

struct Started {
  Child child;                        // pidfd and host pid of the container's first process
  Fd terminal;                        // the pty's master, when spec.process.terminal
  std::vector<std::string> warnings;  // "RLIMIT_NOFILE clamped to 1048576"
};

// Returns when the container's program has been exec'ed. Errors: exit code 127 for a program that
// does not exist, 126 for one that cannot be run, else 125; nothing is left behind.
Result<Started> Start(const Spec& spec, const StartOptions& options);

// A further process in a running container: joins all namespaces of `target` (setns on its pidfd),
// its root, its cgroup, and takes `process` with the same capabilities handling and seccomp filter
// as Start.
struct ExecOptions {
  pid_t target = -1;  // first process of the container (host pid)
  Process process;
  Json seccomp;
  bool default_seccomp = false;
  std::string cache_dir;
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;
  Cgroup* cgroup = nullptr;
};
Result<Started> Exec(const ExecOptions& options);

// CVE-2019-5736: re-executes this program from a detached read-only mount of itself, so that
// /proc/self/exe can never be opened for writing from inside a container. Returns at once when
// already done (or not possible: rootless without a user namespace). Call first thing in main of
// what starts containers.
Status SealSelf(char** argv);
// The same for a child to be: a descriptor of `path` on a detached read-only mount, for fexecve(3).
Result<Fd> SealedExecutable(const std::string& path);

// Path of `user` in the image's own files (never the host's): "nginx", "1000", "1000:100",
// "nginx:www". `read` returns the text of /etc/passwd or /etc/group of the image, or "" when there
// is none.
struct ResolvedUser {
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> additional_gids;
  std::string home = "/";
};
Result<ResolvedUser> ResolveUser(const std::string& user,
                                 const std::function<std::string(const std::string&)>& read);

// The ecosystem's default allow-list of system calls as an OCI linux.seccomp object, for these
// capabilities.
Json DefaultSeccompProfile(const std::vector<std::string>& capabilities);
// The capabilities a container has when nothing is said (containers/common's and docker's set),
// with CAP_.
const std::vector<std::string>& DefaultCapabilities();
const std::vector<std::string>& AllCapabilities();  // those this kernel knows and the caller holds
std::vector<Device> DefaultDevices();               // null zero full random urandom tty
const std::vector<std::string>& DefaultMaskedPaths();
const std::vector<std::string>& DefaultReadonlyPaths();

}  // namespace kpod::runtime
