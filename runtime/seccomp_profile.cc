// The default profile: what the ecosystem's container engines let a container call. A call that is
// not named here is answered with ENOSYS, so that programs built for a newer kernel fall back; one
// that is known and refused is answered with EPERM, as programs expect of a missing privilege.
#include <linux/sched.h>
#include <sched.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

constexpr const char* kAllowed =
    "_llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset "
    "chdir "
    "chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
    "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range "
    "connect "
    "copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
    "epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit "
    "exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod "
    "fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr "
    "flock "
    "fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate "
    "ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat "
    "get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid "
    "geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid "
    "getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage "
    "getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat "
    "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy "
    "io_getevents "
    "io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill "
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr "
    "link "
    "linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat "
    "lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat "
    "mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open "
    "mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap "
    "mseal "
    "msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep "
    "newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc "
    "pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 "
    "process_mrelease process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 "
    "pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg "
    "recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 "
    "restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity "
    "sched_getattr "
    "sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select "
    "semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg "
    "sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid "
    "setfsuid32 "
    "setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 "
    "setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt "
    "setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
    "signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 "
    "statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time "
    "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
    "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
    "timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat "
    "uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write "
    "writev";

// Open only with a capability.
struct Gate {
  const char* capability;
  const char* calls;
};
constexpr Gate kGates[] = {
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
     "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount "
     "open_tree "
     "perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 "
     "unshare"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module finit_module init_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    {"CAP_SYS_RAWIO", "ioperm iopl"},
    {"CAP_SYS_TIME", "clock_settime clock_settime64 settimeofday stime"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
};

// Known, and refused to every container: the key rings are not in a namespace, io_uring and
// userfaultfd are a large surface, the rest changes the machine or is a relic.
constexpr const char* kRefused =
    "_sysctl add_key create_module get_kernel_syms io_uring_enter io_uring_register io_uring_setup "
    "kexec_file_load kexec_load keyctl migrate_pages move_pages nfsservctl pivot_root query_module "
    "request_key swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old";

#if defined(__x86_64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
constexpr const char* kArchitectureCalls = "arch_prctl modify_ldt";
#elif defined(__aarch64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
constexpr const char* kArchitectureCalls =
    "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2";
#elif defined(__riscv)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_RISCV64"};
constexpr const char* kArchitectureCalls = "riscv_flush_icache";
#else
#error "the default seccomp profile does not know this architecture"
#endif

Json Rule(const std::vector<std::string>& names, const char* action) {
  Json j = Json::object();
  j["names"] = names;
  j["action"] = action;
  return j;
}

Json Refuse(const std::vector<std::string>& names, int code) {
  Json j = Rule(names, "SCMP_ACT_ERRNO");
  j["errnoRet"] = code;
  return j;
}

Json When(Json j, int index, uint64_t value, uint64_t value_two, const char* op) {
  Json arg = {{"index", index}, {"value", value}};
  if (value_two != 0) arg["valueTwo"] = value_two;
  arg["op"] = op;
  j["args"] = Json::array({arg});
  return j;
}

Json Allow(const char* name, int index, uint64_t value, uint64_t value_two, const char* op) {
  return When(Rule({name}, "SCMP_ACT_ALLOW"), index, value, value_two, op);
}

void AddArguments(bool admin, Json* rules) {
  for (uint64_t persona : {0x0u, 0x8u, 0x20000u, 0x20008u, 0xffffffffu}) {
    rules->push_back(Allow("personality", 0, persona, 0, "SCMP_CMP_EQ"));
  }
  // AF_ALG (38) is the kernel's crypto, with a history of holes; AF_VSOCK (40) reaches the
  // hypervisor whatever the network namespace is.
  rules->push_back(Allow("socket", 0, 38, 0, "SCMP_CMP_LT"));
  rules->push_back(Allow("socket", 0, 39, 0, "SCMP_CMP_EQ"));
  rules->push_back(Allow("socket", 0, 40, 0, "SCMP_CMP_GT"));
  for (uint64_t family : {38u, 40u}) {
    rules->push_back(When(Refuse({"socket"}, EPERM), 0, family, 0, "SCMP_CMP_EQ"));
  }
  if (admin) return;
  uint64_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                        CLONE_NEWNET | CLONE_NEWCGROUP;
  rules->push_back(Allow("clone", 0, namespaces, 0, "SCMP_CMP_MASKED_EQ"));
  for (uint64_t flag = 1; flag <= namespaces; flag <<= 1) {
    if ((namespaces & flag) == 0) continue;
    rules->push_back(When(Refuse({"clone"}, EPERM), 0, flag, flag, "SCMP_CMP_MASKED_EQ"));
  }
  // Its flags are behind a pointer, where a filter cannot see them: ENOSYS makes libc use clone.
  rules->push_back(Refuse({"clone3"}, ENOSYS));
}

}  // namespace

Json DefaultSeccompProfile(const std::vector<std::string>& capabilities) {
  auto has = [&](const std::string& c) {
    return std::find(capabilities.begin(), capabilities.end(), c) != capabilities.end();
  };
  std::vector<std::string> allowed = Split(kAllowed, ' ');
  for (std::string& name : Split(kArchitectureCalls, ' ')) allowed.push_back(std::move(name));
  std::vector<std::string> refused = Split(kRefused, ' ');
  for (const Gate& gate : kGates) {
    if (!has(gate.capability)) continue;
    for (std::string& name : Split(gate.calls, ' ')) allowed.push_back(std::move(name));
  }
  for (const Gate& gate : kGates) {
    for (std::string& name : Split(gate.calls, ' ')) {
      bool open = std::find(allowed.begin(), allowed.end(), name) != allowed.end();
      bool by_argument = name == "clone" || name == "clone3";
      bool twice = std::find(refused.begin(), refused.end(), name) != refused.end();
      if (!open && !by_argument && !twice) refused.push_back(std::move(name));
    }
  }
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  Json rules = Json::array();
  rules.push_back(Rule(allowed, "SCMP_ACT_ALLOW"));
  rules.push_back(Refuse(refused, EPERM));
  AddArguments(has("CAP_SYS_ADMIN"), &rules);
  Json out = Json::object();
  out["defaultAction"] = "SCMP_ACT_ERRNO";
  out["defaultErrnoRet"] = ENOSYS;
  out["architectures"] = kArchitectures;
  out["syscalls"] = std::move(rules);
  return out;
}

}  // namespace kpod::runtime
