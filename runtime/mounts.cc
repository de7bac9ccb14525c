#include "runtime/mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "runtime/hierarchies.h"
#include "runtime/inside.h"
#include "runtime/selinux.h"
#include "runtime/syscalls.h"
#include "runtime/user_namespace.h"

namespace kpod::runtime {
namespace {

bool IsDirectoryFd(int fd) {
  struct stat st;
  return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

// The attributes of one bind mount on its detached copy: they hold from its first moment on.
Status SetAttributes(int tree, const MountOptions& o) {
  // A bind mount starts as private: what is mounted later on the host is not the container's affair
  // unless the specification says so.
  uint64_t propagation = o.propagation == 0 ? uint64_t{MS_PRIVATE} : o.propagation;
  bool recursive = o.propagation == 0 || o.propagation_recursive;
  TRY(SetMountAttributes(tree, 0, 0, propagation, recursive));
  if (o.recursive_set != 0 || o.recursive_clear != 0) {
    TRY(SetMountAttributes(tree, o.recursive_set, o.recursive_clear, 0, true));
  }
  if (o.set != 0 || o.clear != 0) TRY(SetMountAttributes(tree, o.set, o.clear, 0, false));
  return OkStatus();
}

Result<PreparedMount> PrepareBind(const Mount& m, MountOptions options, int map) {
  PreparedMount out;
  out.mount = &m;
  int fd = ::open(m.source.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return Error::Errno(StrCat("mount ", m.destination, ": ", m.source));
  Fd source(fd);
  if (options.has_subpath) {
    source =
        TRY(OpenBeneath(source.get(), options.subpath).Context(StrCat("mount ", m.destination)));
  }
  out.is_directory = IsDirectoryFd(source.get());
  out.tree = TRY(CloneTree(source.get(), "", options.recursive)
                     .Context(StrCat("mount ", m.destination, ": ", m.source)));
  if (options.map_owners) {
    if (map < 0) return Error(StrCat("mount ", m.destination, ": idmap wants a user namespace"));
    TRY(MapOwners(out.tree.get(), map, options.map_recursive, m.source)
            .Context(StrCat("mount ", m.destination)));
  }
  TRY(SetAttributes(out.tree.get(), options).Context(StrCat("mount ", m.destination)));
  out.options = std::move(options);
  return out;
}

std::string KernelType(const std::string& type) { return type == "cgroup" ? "cgroup2" : type; }

// tmpcopyup: what the image has below the target is copied into the new tmpfs. Bounded, since the
// image decides how much it is.
Status CopyUp(int from, int to, int depth, int64_t* budget) {
  if (depth > 32) return Error("tmpcopyup: too deep");
  std::vector<std::string> names = TRY(ListDir(StrCat("/proc/self/fd/", from)));
  for (const std::string& name : names) {
    struct stat st;
    if (::fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return Error::Errno(name);
    *budget -= 4096;
    if (S_ISDIR(st.st_mode)) {
      if (::mkdirat(to, name.c_str(), st.st_mode & 07777) < 0) return Error::Errno(name);
      Fd a = TRY(OpenAt(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      Fd b = TRY(OpenAt(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      TRY(CopyUp(a.get(), b.get(), depth + 1, budget));
    } else if (S_ISLNK(st.st_mode)) {
      char target[4096];
      ssize_t n = ::readlinkat(from, name.c_str(), target, sizeof(target) - 1);
      if (n < 0) return Error::Errno(name);
      target[n] = 0;
      if (::symlinkat(target, to, name.c_str()) < 0) return Error::Errno(name);
    } else if (S_ISREG(st.st_mode)) {
      *budget -= st.st_size;
      if (*budget < 0) return Error("tmpcopyup: more than 256 MiB");
      Fd a = TRY(OpenAt(from, name, O_RDONLY | O_NOFOLLOW));
      Fd b = TRY(OpenAt(to, name, O_WRONLY | O_CREAT | O_EXCL, st.st_mode & 07777));
      std::string bytes = TRY(ReadAll(a.get(), 256 << 20));
      TRY(WriteAll(b.get(), bytes));
    }
    if (::fchownat(to, name.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
      return Error::Errno("chown " + name);
    }
  }
  return OkStatus();
}

Status ApplyCgroups(int root, const PreparedMount& m, const std::vector<PreparedMount>& groups) {
  Mount tmpfs{m.mount->destination, "tmpfs", "tmpfs", {}};
  MountOptions options;
  options.data = {{"mode", "755"}};
  options.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  Fd mount = TRY(NewFilesystem(tmpfs, options));
  Fd target = TRY(DirectoryInside(root, tmpfs.destination));
  TRY(AttachMount(mount.get(), target.get()));
  for (const PreparedMount& group : groups) {
    Fd dir = TRY(DirectoryInside(root, JoinPath(tmpfs.destination, group.mount->destination)));
    TRY(AttachMount(group.tree.get(), dir.get()));
  }
  return SetMountAttributes(mount.get(), m.options.set, 0, MS_PRIVATE, true);
}

bool OnProcfs(int fd) {
  struct statfs fs;
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

// A volume over /proc or over a part of it would be what the container and its tools take for the
// kernel's word (CVE-2019-16884, CVE-2019-19921). Files that only report numbers may be covered, as
// lxcfs does, and a part of procfs may be shown again.
Status MayCover(const Mount& m, int tree, int target) {
  static const std::set<std::string> numbers = {"/proc/cpuinfo",
                                                "/proc/diskstats",
                                                "/proc/loadavg",
                                                "/proc/meminfo",
                                                "/proc/net/dev",
                                                "/proc/slabinfo",
                                                "/proc/stat",
                                                "/proc/swaps",
                                                "/proc/uptime",
                                                "/proc/sys/crypto/fips_enabled",
                                                "/proc/sys/kernel/ns_last_pid"};
  std::string path = CleanPath(m.destination);
  if (path != "/proc" && !OnProcfs(target)) return OkStatus();
  if ((tree >= 0 && OnProcfs(tree)) || numbers.count(path) != 0) return OkStatus();
  return Error(StrCat("mount ", m.destination, ": nothing may be mounted over procfs"));
}

// procfs and sysfs, which a link of the image must not lead elsewhere.
bool MustBeReal(const std::string& type) { return type == "proc" || type == "sysfs"; }

// Those that are the container's own; the kernel's have labels of the policy's.
bool TakesLabel(const std::string& type) { return type == "tmpfs" || type == "devpts"; }

bool RefusedInUserNamespace(const std::string& type) { return type == "sysfs" || type == "proc"; }

}  // namespace

Result<Fd> NewFilesystem(const Mount& m, const MountOptions& o) {
  std::string type = KernelType(m.type);
  Fd fs(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!fs) return Error::Errno(StrCat("mount ", m.destination, ": ", type));
  auto fail = [&](const std::string& what) {
    return Error::Errno(StrCat("mount ", m.destination, ": ", type, what));
  };
  if (!m.source.empty()) {
    (void)::fsconfig(fs.get(), FSCONFIG_SET_STRING, "source", m.source.c_str(), 0);
  }
  for (const std::string& flag : o.flags) {
    if (::fsconfig(fs.get(), FSCONFIG_SET_FLAG, flag.c_str(), nullptr, 0) < 0) {
      return fail(" " + flag);
    }
  }
  for (auto& [key, value] : o.data) {
    int rc = value.empty()
                 ? ::fsconfig(fs.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0)
                 : ::fsconfig(fs.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0);
    if (rc < 0) return fail(StrCat(" ", key, value.empty() ? "" : "=", value));
  }
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) return fail("");
  // The access time of a new mount is set, not cleared: the field's values are exclusive.
  unsigned attributes = static_cast<unsigned>(o.set | o.recursive_set);
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) return fail("");
  return mount;
}

Result<std::vector<PreparedMount>> PrepareMounts(const Spec& spec, bool user_namespace, int map) {
  std::vector<PreparedMount> out;
  out.reserve(spec.mounts.size());
  for (const Mount& m : spec.mounts) {
    MountOptions options = TRY(ParseMountOptions(m));
    if (!spec.mount_label.empty() && TakesLabel(m.type)) {
      options.data.emplace_back("context", spec.mount_label);
    }
    if (options.bind) {
      out.push_back(TRY(PrepareBind(m, std::move(options), map)));
      continue;
    }
    PreparedMount prepared;
    prepared.mount = &m;
    // One for all that share an IPC namespace, so it takes no context when it is mounted.
    if (m.type == "mqueue") prepared.label = spec.mount_label;
    if (user_namespace && RefusedInUserNamespace(m.type)) {
      // The kernel lets a user namespace mount these only over namespaces that belong to it.
      prepared.tree = TRY(CloneTree(AT_FDCWD, m.type == "proc" ? "/proc" : "/sys", true));
      MountOptions fallback = options;
      fallback.recursive_set |= m.type == "sysfs" ? uint64_t{MOUNT_ATTR_RDONLY} : 0;
      TRY(SetAttributes(prepared.tree.get(), fallback));
    }
    prepared.options = std::move(options);
    out.push_back(std::move(prepared));
  }
  return out;
}

Result<std::vector<PreparedMount>> PrepareCgroupMounts(const Spec& spec, const Cgroup* cgroup) {
  std::vector<PreparedMount> out;
  const Hierarchies& h = HostHierarchies();
  bool wanted = std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const Mount& m) {
    return m.type == "cgroup" || m.type == "cgroup2";
  });
  if (!wanted || h.v2_has_controllers || cgroup == nullptr) return out;
  static const std::vector<Mount> names = [&h] {
    std::vector<Mount> list;
    for (auto& [controller, dir] : h.v1) list.push_back({controller, "bind", dir, {}});
    if (!h.v2.empty()) list.push_back({"unified", "bind", h.v2, {}});
    return list;
  }();
  for (const Mount& m : names) {
    Result<Fd> tree = CloneTree(AT_FDCWD, JoinPath(m.source, cgroup->path()), false);
    if (!tree) continue;  // the container has no group of its own there
    PreparedMount prepared;
    prepared.mount = &m;
    prepared.tree = std::move(*tree);
    out.push_back(std::move(prepared));
  }
  return out;
}

Status ApplyMount(int root, PreparedMount* m, const std::vector<PreparedMount>& cgroups) {
  const Mount& mount = *m->mount;
  bool is_cgroup = mount.type == "cgroup" || mount.type == "cgroup2";
  if (m->options.bind) {
    Fd target = TRY((m->is_directory ? DirectoryInside(root, mount.destination)
                                     : FileInside(root, mount.destination))
                        .Context("mount"));
    TRY(MayCover(mount, m->tree.get(), target.get()));
    return AttachMount(m->tree.get(), target.get()).Context(StrCat("mount ", mount.destination));
  }
  if (is_cgroup && !HostHierarchies().v2_has_controllers) {
    return ApplyCgroups(root, *m, cgroups).Context(StrCat("mount ", mount.destination));
  }
  Fd target = TRY((MustBeReal(mount.type) ? RealDirectoryInside(root, mount.destination)
                                          : DirectoryInside(root, mount.destination))
                      .Context("mount"));
  if (mount.type == "tmpfs") TRY(MayCover(mount, -1, target.get()));
  Result<Fd> made = NewFilesystem(mount, m->options);
  if (!made && m->tree && (made.error().code() == EPERM || made.error().code() == EINVAL)) {
    return AttachMount(m->tree.get(), target.get()).Context(StrCat("mount ", mount.destination));
  }
  Fd fs = TRY(std::move(made));
  if (m->options.copy_up && mount.type == "tmpfs") {
    Fd from = TRY(OpenInside(root, mount.destination, O_RDONLY | O_DIRECTORY));
    int64_t budget = 256 << 20;
    // A read-only tmpfs is filled through the file system's own root, before the flag counts.
    TRY(SetMountAttributes(fs.get(), 0, MOUNT_ATTR_RDONLY, 0, false));
    Fd to = TRY(OpenAt(fs.get(), ".", O_RDONLY | O_DIRECTORY));
    TRY(CopyUp(from.get(), to.get(), 0, &budget).Context(mount.destination));
    if ((m->options.set & MOUNT_ATTR_RDONLY) != 0) {
      TRY(SetMountAttributes(fs.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    }
  }
  if (!m->label.empty()) TRY(SetFileLabel(fs.get(), m->label).Context(mount.destination));
  TRY(AttachMount(fs.get(), target.get()).Context(StrCat("mount ", mount.destination)));
  if (m->options.propagation != 0) {
    TRY(SetMountAttributes(fs.get(), 0, 0, m->options.propagation,
                           m->options.propagation_recursive));
  }
  return OkStatus();
}

}  // namespace kpod::runtime
