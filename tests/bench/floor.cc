// What the kernel itself takes, by bare system calls: the floor that kpod is measured against. It
// does its work once and ends; tests/bench/run times it from outside, as it times kpod.
//   floor container ROOTFS DIR   the namespaces of a container without network, an overlay on
//   ROOTFS
//                                whose upper directory is below DIR, pivot_root, exec of
//                                /bin/busybox true, its end
//   floor pods PODS CONTAINERS ROOTFS DIR
//                                for each pod a process with network, IPC, UTS and mount
//                                namespaces and a veth pair that is up and has an address at both
//                                ends; and in it that many such containers; all at once
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// All but the user's: a container without network has a network namespace too, with nothing in it.
constexpr uint64_t kEveryNamespace =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  ::_exit(1);
}

struct Request {
  nlmsghdr header;
  union {
    ifinfomsg link;
    ifaddrmsg address;
  };
  char attributes[512];
};

Request Begin(int type, int flags, size_t family_header) {
  Request r{};
  r.header.nlmsg_len = static_cast<unsigned>(NLMSG_LENGTH(family_header));
  r.header.nlmsg_type = static_cast<unsigned short>(type);
  r.header.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | NLM_F_ACK | flags);
  return r;
}

rtattr* Add(Request* r, int type, const void* data, size_t size) {
  auto* a =
      reinterpret_cast<rtattr*>(reinterpret_cast<char*>(r) + NLMSG_ALIGN(r->header.nlmsg_len));
  a->rta_type = static_cast<unsigned short>(type);
  a->rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
  if (size > 0) std::memcpy(RTA_DATA(a), data, size);
  r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
  return a;
}

void Close(Request* r, rtattr* a) {
  a->rta_len = static_cast<unsigned short>(reinterpret_cast<char*>(r) + r->header.nlmsg_len -
                                           reinterpret_cast<char*>(a));
}

int OpenNetlink() {
  int s = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (s < 0) Die("netlink");
  return s;
}

void Ask(int socket, const Request& r) {
  char answer[1024];
  if (::send(socket, &r, r.header.nlmsg_len, 0) < 0 ||
      ::recv(socket, answer, sizeof(answer), 0) < 0) {
    Die("netlink");
  }
  auto* error = reinterpret_cast<nlmsgerr*>(NLMSG_DATA(reinterpret_cast<nlmsghdr*>(answer)));
  errno = -error->error;
  if (errno != 0) Die("netlink request");
}

void SetUp(int socket, unsigned index, in_addr_t address) {
  Request a = Begin(RTM_NEWADDR, NLM_F_CREATE, sizeof(ifaddrmsg));
  a.address = {AF_INET, 30, 0, RT_SCOPE_UNIVERSE, index};
  Add(&a, IFA_LOCAL, &address, sizeof(address));
  Ask(socket, a);
  Request up = Begin(RTM_NEWLINK, 0, sizeof(ifinfomsg));
  up.link.ifi_index = static_cast<int>(index);
  up.link.ifi_flags = up.link.ifi_change = IFF_UP;
  Ask(socket, up);
}

// `outside` is a socket of the namespace that the far end shall be in; the kernel removes the pair
// with the namespace of the caller, which has the near end.
void Connect(int outside) {
  int inside = OpenNetlink();
  int own = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) Die("network namespace");
  // Chosen here, so that the kernel need not be asked which it chose.
  unsigned far = 1'000'000 + 2 * static_cast<unsigned>(::getpid());
  unsigned near = far + 1;
  std::string name = "floor" + std::to_string(far);
  Request r = Begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(ifinfomsg));
  r.link.ifi_index = static_cast<int>(far);
  Add(&r, IFLA_IFNAME, name.c_str(), name.size() + 1);
  rtattr* link = Add(&r, IFLA_LINKINFO, nullptr, 0);
  Add(&r, IFLA_INFO_KIND, "veth", 4);
  rtattr* data = Add(&r, IFLA_INFO_DATA, nullptr, 0);
  ifinfomsg peer{};
  peer.ifi_index = static_cast<int>(near);
  rtattr* peer_attribute = Add(&r, VETH_INFO_PEER, &peer, sizeof(peer));
  Add(&r, IFLA_IFNAME, "eth0", 5);
  Add(&r, IFLA_NET_NS_FD, &own, sizeof(own));
  Close(&r, peer_attribute);
  Close(&r, data);
  Close(&r, link);
  Ask(outside, r);
  SetUp(outside, far, htonl(0x0afe0001));
  SetUp(inside, near, htonl(0x0afe0002));
}

pid_t Clone(uint64_t namespaces) {
  clone_args args{};
  args.flags = namespaces;
  args.exit_signal = SIGCHLD;
  long pid = ::syscall(SYS_clone3, &args, sizeof(args));
  if (pid < 0) Die("clone3");
  return static_cast<pid_t>(pid);
}

void Await() {
  int status = 0;
  if (::wait(&status) < 0 || status != 0) Die("a child failed");
}

void ShutMounts() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) Die("mount");
}

void MakeDirectories(const std::string& dir) {
  for (const char* d : {"", "/u", "/w", "/m"}) {
    if (::mkdir((dir + d).c_str(), 0755) < 0) Die("mkdir");
  }
}

[[noreturn]] void Container(const std::string& lower, const std::string& dir) {
  ShutMounts();
  std::string merged = dir + "/m";
  std::string options =
      "lowerdir=" + lower + ",upperdir=" + dir + "/u,workdir=" + dir + "/w,volatile";
  if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) < 0) Die("overlay");
  if (::chdir(merged.c_str()) < 0 || ::syscall(SYS_pivot_root, ".", ".") < 0) Die("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) Die("umount");
  if (::mount("proc", "/proc", "proc", 0, nullptr) < 0) Die("proc");
  char* const argv[] = {const_cast<char*>("busybox"), const_cast<char*>("true"), nullptr};
  char* const env[] = {nullptr};
  ::execve("/bin/busybox", argv, env);
  Die("exec /bin/busybox");
}

[[noreturn]] void Pod(int containers, int outside, const std::string& lower,
                      const std::string& dir) {
  ShutMounts();
  Connect(outside);
  if (::mkdir(dir.c_str(), 0755) < 0) Die("mkdir");
  for (int i = 0; i < containers; ++i) {
    std::string own = dir + "/" + std::to_string(i);
    MakeDirectories(own);
    if (Clone(CLONE_NEWNS | CLONE_NEWPID) == 0) Container(lower, own);
  }
  for (int i = 0; i < containers; ++i) Await();
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "container" && argc == 4) {
    std::string dir = argv[3];
    MakeDirectories(dir);
    if (Clone(kEveryNamespace) == 0) {
      Container(argv[2], dir);
    }
    Await();
    return 0;
  }
  if (mode == "pods" && argc == 6) {
    int pods = std::atoi(argv[2]);
    int outside = OpenNetlink();
    std::string dir = argv[5];
    if (::mkdir(dir.c_str(), 0755) < 0) Die("mkdir");
    for (int i = 0; i < pods; ++i) {
      if (Clone(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) == 0) {
        Pod(std::atoi(argv[3]), outside, argv[4], dir + "/" + std::to_string(i));
      }
    }
    for (int i = 0; i < pods; ++i) Await();
    return 0;
  }
  std::fprintf(stderr,
               "usage: floor container ROOTFS DIR | floor pods PODS CONTAINERS ROOTFS DIR\n");
  return 2;
}
