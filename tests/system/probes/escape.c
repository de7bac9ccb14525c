// Tries one known way out of a container each time it runs: escape NAME [ARGUMENT...]. Says "ok",
// or the name of the errno that stopped it. Static, so that it runs in any image.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int answer(long rc) {
  printf("%s\n", rc < 0 ? strerrorname_np(errno) : "ok");
  return 0;
}

// CVE-2019-5736: the program that runs as process PID, which may be kpod itself, is kept open and
// opened for writing as soon as it no longer runs.
static int overwrite(void) {
  char path[64];
  printf("lurking\n");
  fflush(stdout);
  for (;;) {
    for (int pid = getpid() + 1; pid < getpid() + 300; ++pid) {
      snprintf(path, sizeof(path), "/proc/%d/exe", pid);
      char target[4096] = "";
      if (readlink(path, target, sizeof(target) - 1) <= 0) continue;
      if (strncmp(target, "/usr/bin/", 9) == 0 || strncmp(target, "/bin/", 5) == 0) continue;
      int fd = open(path, O_PATH);
      if (fd < 0) continue;
      printf("found %s\n", target);
      fflush(stdout);
      snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
      int write_fd = -1;
      // As long as any kpod of the machine runs, the file is busy.
      for (int i = 0; i < 60000 && write_fd < 0; ++i) {
        write_fd = open(path, O_WRONLY | O_APPEND);
        if (write_fd < 0 && errno != ETXTBSY) break;
        usleep(1000);
      }
      return answer(write_fd);
    }
  }
  return 0;
}

// Whether what joins the container can be looked into before its program runs: its descriptors, its
// root, its memory (CVE-2016-9962).
static void spy_on(int pid) {
  char path[64], target[4096];
  for (int fd = 3; fd < 32; ++fd) {
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) continue;
    target[n] = 0;
    printf("seen %s\n", target);
    fflush(stdout);
  }
}

static int spy(void) {
  char path[64];
  printf("spying\n");
  fflush(stdout);
  for (int pid = getpid() + 1;; pid = pid >= getpid() + 300 ? getpid() + 1 : pid + 1) {
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    if (access(path, F_OK) == 0) spy_on(pid);
  }
  return 0;
}

static int push_input(void) {
  char c = 'x';
  if (ioctl(0, TIOCSTI, &c) == 0) return answer(0);
  int first = errno;
  if (ioctl(0, TIOCSCTTY, 1) == 0 && ioctl(0, TIOCSTI, &c) == 0) return answer(0);
  errno = first;
  return answer(-1);
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char *what = argv[1], *with = argc > 2 ? argv[2] : "";
  char handle[128] = {8};  // as struct file_handle: of 8 bytes
#define IS(name) (strcmp(what, name) == 0)
  if (IS("overwrite")) return overwrite();
  if (IS("spy")) return spy();
  if (IS("tiocsti")) return push_input();
  if (IS("unshare-user")) return answer(unshare(CLONE_NEWUSER));
  if (IS("clone-user")) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return answer(pid);
  }
  if (IS("clone3")) return answer(syscall(SYS_clone3, NULL, 0));
  if (IS("unshare-mount")) return answer(unshare(CLONE_NEWNS));
  if (IS("setns")) return answer(setns(open("/proc/self/ns/net", O_RDONLY), 0));
  if (IS("mount")) return answer(mount("none", "/tmp", "tmpfs", 0, ""));
  if (IS("remount")) return answer(mount("none", with, NULL, MS_REMOUNT | MS_BIND, NULL));
  if (IS("umount")) return answer(umount2(with, MNT_DETACH));
  if (IS("fsopen")) return answer(syscall(SYS_fsopen, "ext4", 0));
  if (IS("open-tree")) return answer(syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  if (IS("pivot-root")) return answer(syscall(SYS_pivot_root, ".", "."));
  if (IS("bpf")) return answer(syscall(SYS_bpf, 0, NULL, 0));
  if (IS("perf")) return answer(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
  if (IS("io-uring")) return answer(syscall(SYS_io_uring_setup, 1, NULL));
  if (IS("userfaultfd")) return answer(syscall(SYS_userfaultfd, 0));
  if (IS("keyctl")) return answer(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0, 0, 0));
  if (IS("add-key")) return answer(syscall(SYS_add_key, "user", "a", "b", 1, -3));
  if (IS("keyring")) {  // without a filter: whose keys are seen?
    long id = syscall(SYS_keyctl, KEYCTL_SEARCH, -3, "user", "kpod-test-secret", 0);
    return answer(id);
  }
  if (IS("module")) return answer(syscall(SYS_init_module, "", 0, ""));
  if (IS("kexec")) return answer(syscall(SYS_kexec_load, 0, 0, 0, 0));
  if (IS("reboot")) return answer(syscall(SYS_reboot, 0, 0, 0, 0));
  if (IS("syslog")) return answer(syscall(SYS_syslog, 3, handle, 16));
  if (IS("settime")) return answer(syscall(SYS_clock_settime, 0, NULL));
  if (IS("af-alg")) return answer(socket(38, SOCK_SEQPACKET, 0));
  if (IS("af-vsock")) return answer(socket(40, SOCK_STREAM, 0));
  if (IS("open-by-handle"))
    return answer(syscall(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY));
  if (IS("open")) return answer(open(with, O_RDWR | O_NONBLOCK));
  if (IS("mknod-open")) {  // MAJOR MINOR PATH
    const char* node = argc > 4 ? argv[4] : "/tmp/node";
    unlink(node);
    if (mknod(node, S_IFBLK | 0600, makedev(atoi(with), atoi(argv[3]))) < 0) return answer(-1);
    return answer(open(node, O_RDONLY | O_NONBLOCK));
  }
  if (IS("euid")) {
    printf("%d\n", (int)geteuid());
    return 0;
  }
  if (IS("chroot-out")) {  // the classic: a descriptor of the root, and up
    int root = open("/", O_RDONLY);
    mkdir("/tmp/jail", 0700);
    if (chroot("/tmp/jail") < 0 || fchdir(root) < 0) return answer(-1);
    for (int i = 0; i < 100; ++i)
      if (chdir("..") < 0) return answer(-1);
    if (chroot(".") < 0) return answer(-1);
    printf("%s\n", access("/escape-test", F_OK) == 0 ? "in the container's root" : "out");
    return 0;
  }
  return 2;
}
