// What the kernel itself takes, by bare system calls: the floor that kpod is measured against.
//   floor container N ROOTFS   prints "container_us <median>": namespaces, an overlay on ROOTFS,
//                              pivot_root, exec of /bin/busybox true, its end
//   floor pod N ROOTFS         prints "pod_us <median>": the same with a network namespace and a
//   veth
//                              pair whose peer is in it
#include <fcntl.h>
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
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  ::_exit(1);
}

double Micros() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

struct Request {
  nlmsghdr header;
  ifinfomsg info;
  char attributes[512];
};

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

// The pair is made from inside the new namespace; the kernel removes it with the namespace.
void MakeVeth() {
  int s = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (s < 0) Die("netlink");
  Request r{};
  r.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
  r.header.nlmsg_type = RTM_NEWLINK;
  r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
  Add(&r, IFLA_IFNAME, "eth0", 5);
  rtattr* link = Add(&r, IFLA_LINKINFO, nullptr, 0);
  Add(&r, IFLA_INFO_KIND, "veth", 4);
  rtattr* data = Add(&r, IFLA_INFO_DATA, nullptr, 0);
  ifinfomsg peer{};
  rtattr* peer_attribute = Add(&r, VETH_INFO_PEER, &peer, sizeof(peer));
  Add(&r, IFLA_IFNAME, "peer0", 6);
  Close(&r, peer_attribute);
  Close(&r, data);
  Close(&r, link);
  char answer[1024];
  if (::send(s, &r, r.header.nlmsg_len, 0) < 0 || ::recv(s, answer, sizeof(answer), 0) < 0) {
    Die("make a veth pair");
  }
  auto* error = reinterpret_cast<nlmsgerr*>(NLMSG_DATA(reinterpret_cast<nlmsghdr*>(answer)));
  if (error->error != 0) {
    errno = -error->error;
    Die("make a veth pair");
  }
  ::close(s);
}

void Child(const std::string& lower, const std::string& dir, bool network) {
  if (network) MakeVeth();
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) Die("mount");
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

double Once(const std::string& lower, const std::string& dir, bool network) {
  for (const char* d : {"", "/u", "/w", "/m"}) {
    if (::mkdir((dir + d).c_str(), 0755) < 0) Die("mkdir");
  }
  double before = Micros();
  clone_args args{};
  args.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (network) args.flags |= CLONE_NEWNET;
  args.exit_signal = SIGCHLD;
  long pid = ::syscall(SYS_clone3, &args, sizeof(args));
  if (pid < 0) Die("clone3");
  if (pid == 0) Child(lower, dir, network);
  int status = 0;
  if (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 || status != 0) {
    std::fprintf(stderr, "floor: the child failed\n");
    std::exit(1);
  }
  return Micros() - before;
}

}  // namespace

int main(int argc, char** argv) {
  std::string mode = argc == 4 ? argv[1] : "";
  int n = argc == 4 ? std::atoi(argv[2]) : 0;
  if ((mode != "container" && mode != "pod") || n < 1) {
    std::fprintf(stderr, "usage: floor container|pod N ROOTFS\n");
    return 2;
  }
  char base[] = "/tmp/floor-XXXXXX";
  if (::mkdtemp(base) == nullptr) Die("mkdtemp");
  std::vector<double> times;
  for (int i = 0; i < n; ++i) {
    times.push_back(Once(argv[3], std::string(base) + "/" + std::to_string(i), mode == "pod"));
  }
  std::string remove = std::string("rm -rf ") + base;
  if (std::system(remove.c_str()) != 0) std::fprintf(stderr, "floor: %s is left\n", base);
  std::sort(times.begin(), times.end());
  std::printf("%s_us %.0f\n", mode.c_str(), times[times.size() / 2]);
  return 0;
}
