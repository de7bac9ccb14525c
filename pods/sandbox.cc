#include "pods/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "pods/launch.h"
#include "pods/payload.h"
#include "pods/volumes.h"

namespace kpod::pods {

namespace {

Status MountTmpfs(const std::string& path, const std::string& options) {
  TRY(MakeDirs(path, 0700));
  if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) < 0) {
    return Error::Errno("mount tmpfs at " + path);
  }
  return OkStatus();
}

// A volume of huge pages (Documentation/admin-guide/mm/hugetlbpage.rst); without room for them the
// program that writes there is killed, not the mount refused.
Status MountHugePages(const std::string& path, const VolumePlan& v, std::string options) {
  TRY(MakeDirs(path, 0700));
  if (*v.huge_page_bytes > 0) options += StrCat(",pagesize=", *v.huge_page_bytes);
  if (::mount("hugetlbfs", path.c_str(), "hugetlbfs", MS_NOSUID | MS_NODEV, options.c_str()) < 0) {
    return Error::Errno("mount hugetlbfs at " + path);
  }
  return OkStatus();
}

Status MountMemory(const store::Paths& paths, const Plan& plan) {
  // As much as /dev/shm has: termination messages are the containers' to write.
  TRY(MountTmpfs(PodMemory(paths, plan), "mode=700,size=65536k"));
  if (!plan.host_ipc) TRY(MountTmpfs(PodMemory(paths, plan) + "/shm", "mode=1777,size=65536k"));
  for (const VolumePlan& v : plan.volumes) {
    if (IsSecretPayload(v)) {
      // In memory only, as on a node; the supervisor fills it.
      TRY(MountTmpfs(VolumePath(paths, plan, v), "mode=755").Context("volume " + v.name));
    }
    if (v.kind != VolumePlan::Kind::kMemory) continue;
    std::string options = plan.fs_group ? StrCat("mode=2777,gid=", *plan.fs_group) : "mode=777";
    if (v.size_limit > 0) options += StrCat(",size=", v.size_limit);
    std::string path = VolumePath(paths, plan, v);
    TRY((v.huge_page_bytes ? MountHugePages(path, v, options) : MountTmpfs(path, options))
            .Context("volume " + v.name));
  }
  return OkStatus();
}

struct SharedTree {
  std::string target;
  Fd tree;
};

bool IsBidirectional(const Plan& plan, const std::string& volume) {
  std::vector<const ContainerPlan*> all = plan.All();
  return std::any_of(all.begin(), all.end(), [&](const ContainerPlan* c) {
    return std::any_of(c->mounts.begin(), c->mounts.end(), [&](const MountPlan& m) {
      return m.volume == volume && m.propagation == "Bidirectional";
    });
  });
}

// Copies of what Bidirectional mounts shall reach the host through. Taken while the mounts of this
// namespace are still peers of the host's: what was made a slave never is one again.
Result<std::vector<SharedTree>> TakeSharedTrees(const store::Paths& paths, const Plan& plan) {
  std::vector<SharedTree> out;
  for (const VolumePlan& v : plan.volumes) {
    std::string target = SharedVolumePath(paths, plan, v);
    if (target.empty() || !IsBidirectional(plan, v.name)) continue;
    std::string source = VolumePath(paths, plan, v);
    if (!Exists(source)) continue;  // the pod waits for it
    Fd tree(
        ::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree) return Error::Errno(StrCat("volume ", v.name, ": ", source));
    out.push_back({std::move(target), std::move(tree)});
  }
  return out;
}

Status PlaceSharedTrees(const std::vector<SharedTree>& trees) {
  for (const SharedTree& t : trees) {
    struct stat st;
    if (::fstat(t.tree.get(), &st) < 0) return Error::Errno("stat " + t.target);
    TRY(MakeDirs(S_ISDIR(st.st_mode) ? t.target : Dirname(t.target), 0700));
    if (!S_ISDIR(st.st_mode)) TRY(Open(t.target, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
    if (::move_mount(t.tree.get(), "", AT_FDCWD, t.target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) < 0) {
      return Error::Errno("mount " + t.target);
    }
  }
  return OkStatus();
}

network::AttachRequest RequestFor(const Plan& plan) {
  network::AttachRequest r;
  r.pod_id = plan.Id();
  r.names = {plan.name};
  if (!plan.fqdn.empty()) r.names.push_back(plan.fqdn);
  r.wants_dns = plan.dns_policy == "ClusterFirstWithHostNet";
  auto add = [&](const std::vector<ContainerPlan>& containers) {
    for (const ContainerPlan& c : containers) {
      for (const PortPlan& p : c.ports) {
        // In the host's network a container's port is the host's (SetDefaults_Pod of Kubernetes).
        int port = plan.network == "host" && p.host_port == 0 ? p.container_port : p.host_port;
        if (port == 0) continue;
        network::PortMapping m{p.host_ip, static_cast<uint16_t>(port),
                               static_cast<uint16_t>(p.container_port), ToLower(p.protocol)};
        bool known = std::any_of(r.ports.begin(), r.ports.end(), [&](const auto& o) {
          return o.host_port == m.host_port && o.container_port == m.container_port &&
                 o.protocol == m.protocol && o.host_ip == m.host_ip;
        });
        if (!known) r.ports.push_back(std::move(m));
      }
    }
  };
  add(plan.init_containers);
  add(plan.containers);
  return r;
}

Status WriteEtc(const store::Paths& paths, const Plan& plan,
                const network::Attachment& attachment) {
  std::string etc = PodMemory(paths, plan) + "/etc";
  TRY(MakeDir(etc, 0755));
  auto host = [](const char* path) { return ReadFile(path, 1 << 20).value_or(""); };
  auto write = [&](const char* name, const std::string& text) {
    // In place, not renamed: running containers have this very file bound.
    Result<Fd> fd = Open(StrCat(etc, "/", name), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    if (!fd) return Status(fd.error());
    if (::fchmod(fd->get(), 0644) < 0) return Status(Error::Errno("chmod"));
    return WriteAll(fd->get(), text);
  };
  TRY(write("hosts", HostsFile(plan, attachment.ip, host("/etc/hosts"))));
  TRY(write("resolv.conf", ResolvConf(plan, attachment.nameserver, host("/etc/resolv.conf"))));
  char name[65] = {};
  ::gethostname(name, sizeof(name) - 1);
  return write("hostname", StrCat(name, "\n"));
}

}  // namespace

Result<Sandbox> Sandbox::Enter(const store::Paths& paths, const Plan& plan, SpareNamespaces spare) {
  Sandbox s;
  s.pod_id_ = plan.Id();
  s.host_netns_ = TRY(Open("/proc/self/ns/net", O_RDONLY));
  s.host_mntns_ = TRY(Open("/proc/self/ns/mnt", O_RDONLY));
  s.host_utsns_ = TRY(Open("/proc/self/ns/uts", O_RDONLY));
  Undo undo([&] { (void)s.Leave(); });
  if (plan.network != "none") {
    s.driver_ = TRY(network::MakeDriver(plan.network, paths));
    TRY(s.driver_->Prepare(RequestFor(plan)).Context("network"));
  }
  TRY(s.MakeNamespaces(paths, plan, std::move(spare)));
  std::vector<SharedTree> shared = TRY(TakeSharedTrees(paths, plan));
  // Mounts of the host still arrive (hostPath with HostToContainer); ours never reach it.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0)
    return Error::Errno("make / a slave mount");
  if (plan.network != "host" && ::sethostname(plan.hostname.data(), plan.hostname.size()) < 0) {
    return Error::Errno("sethostname");
  }
  TRY(PlaceSharedTrees(shared));
  TRY(MountMemory(paths, plan));
  if (plan.network == "none") TRY(network::BringUpLoopback());
  if (s.driver_) {
    Fd own = TRY(Open("/proc/self/ns/net", O_RDONLY));
    int netns = plan.network == "host" ? -1 : own.get();
    s.attachment_ = TRY(s.driver_->Attach(netns).Context("network"));
  }
  TRY(s.WriteSysctls(plan));
  TRY(WriteEtc(paths, plan, s.attachment_));
  if (plan.share_pid) TRY(s.ShareProcesses());
  undo.Dismiss();
  return s;
}

Status Sandbox::Leave() {
  if (init_.pidfd) {
    ::syscall(SYS_pidfd_send_signal, init_.pidfd.get(), SIGKILL, nullptr, 0);
    (void)WaitFor(init_);
    init_ = Child{};
  }
  if (!driver_) return OkStatus();
  Status s = driver_->Detach(pod_id_);
  driver_.reset();
  return s;
}

bool LeavePod(const Sandbox& sandbox) {
  for (int fd :
       {sandbox.host_mount_namespace(), sandbox.host_uts_namespace(), sandbox.host_netns()}) {
    if (::setns(fd, 0) < 0) return false;
  }
  // The pod's flock above all: it must end with the supervisor.
  ::close_range(3, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  return true;
}

}  // namespace kpod::pods
