/* Kills a program at the N-th of the system calls by which it changes the world: where that is every
   N from 1 on, it has died in every state that others can find it in.
     killat REPORT WHO N -- COMMAND...   runs COMMAND; its exit code is that of COMMAND
     killat REPORT WHO N -p PID          WHO is "-": the process PID, from now until it ends or
                                         killat gets SIGTERM; prints a line when it is attached
   WHO: the base name of a program's argv[0], "kpod-supervisor"; the first such below COMMAND is
   meant, with ":2" the second. "kpod-supervisor+3", "-+3": the third process that it forks.
   N = 0: never, only count. REPORT gets one line: "killed|ended|lives|never CALLS SYSCALL". */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static char who[64];
static int want_exec = 1, want_fork, seen_exec, seen_fork;
static pid_t named, target, command;
static long calls, when, last = -1;
static const char *fate = "never";

/* What only looks, or changes nothing but the caller. */
static const int quiet[] = {
    SYS_read, SYS_pread64, SYS_readv, SYS_close, SYS_fstat, SYS_newfstatat, SYS_stat, SYS_lstat,
    SYS_statx, SYS_lseek, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_brk, SYS_madvise,
    SYS_getdents64, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid,
    SYS_getegid, SYS_clock_gettime, SYS_futex, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_poll, SYS_ppoll, SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_ctl,
    SYS_epoll_create1, SYS_recvmsg, SYS_recvfrom, SYS_readlink, SYS_readlinkat, SYS_access,
    SYS_faccessat, SYS_faccessat2, SYS_getcwd, SYS_uname, SYS_prlimit64, SYS_getrandom, SYS_fcntl,
    SYS_ioctl, SYS_dup, SYS_dup2, SYS_dup3, SYS_pipe2, SYS_socket, SYS_socketpair, SYS_statfs,
    SYS_fstatfs, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_wait4, SYS_waitid,
    SYS_set_robust_list, SYS_set_tid_address, SYS_rseq, SYS_arch_prctl, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_timerfd_create, SYS_timerfd_settime, SYS_signalfd4, SYS_pidfd_open,
    SYS_getsockname, SYS_getsockopt, SYS_setsockopt, SYS_sigaltstack, SYS_sysinfo, SYS_umask,
    SYS_clock_nanosleep, SYS_nanosleep, SYS_restart_syscall, SYS_fadvise64, SYS_capget,
    SYS_exit_group};

static int counts(const struct ptrace_syscall_info *info) {
  long nr = (long)info->entry.nr;
  if (nr == SYS_openat) return (info->entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
  for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); ++i) {
    if (quiet[i] == nr) return 0;
  }
  return 1;
}

static void report(const char *path) {
  FILE *f = fopen(path, "w");
  if (f == NULL) exit(125);
  fprintf(f, "%s %ld %ld\n", fate, calls, last);
  fclose(f);
}

static void name_of(pid_t pid, char *out, size_t size) {
  char path[64], line[4096];
  snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
  if (fd >= 0) close(fd);
  line[n > 0 ? n : 0] = '\0';
  const char *slash = strrchr(line, '/');
  snprintf(out, size, "%s", slash != NULL ? slash + 1 : line);
}

static void on_exec(pid_t pid) {
  char name[64];
  name_of(pid, name, sizeof(name));
  /* A program that executes itself again is still the one that was found. */
  if (named != 0 || strcmp(name, who) != 0 || ++seen_exec != want_exec) return;
  named = pid;
  if (want_fork == 0) target = pid;
}

static void resume(pid_t pid, int signal) {
  ptrace(pid == target ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, (void *)(long)signal);
}

/* The fork's other side is stopped by an event of its own: let go unless it is to be followed. */
static pid_t let_go[256];
static size_t let_go_count;

static void on_fork(pid_t parent) {
  unsigned long child = 0;
  ptrace(PTRACE_GETEVENTMSG, parent, 0, &child);
  if (parent == named && want_fork > 0 && ++seen_fork == want_fork) {
    target = (pid_t)child;
    ptrace(PTRACE_INTERRUPT, target, 0, 0); /* it may have had its first stop already */
  }
  int follow = named == 0 || (pid_t)child == target;
  if (!follow && let_go_count < sizeof(let_go) / sizeof(*let_go)) {
    let_go[let_go_count++] = (pid_t)child;
  }
}

static int is_let_go(pid_t pid) {
  for (size_t i = 0; i < let_go_count; ++i) {
    if (let_go[i] == pid) return 1;
  }
  return 0;
}

static void on_syscall(pid_t pid) {
  struct ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
      info.op == PTRACE_SYSCALL_INFO_ENTRY && pid == target && counts(&info)) {
    last = (long)info.entry.nr;
    if (++calls == when) {
      fate = "killed";
      kill(pid, SIGKILL); /* the call is not carried out any more */
    }
  }
  resume(pid, 0);
}

static void on_stop(pid_t pid, int status) {
  int event = status >> 16;
  if (event == PTRACE_EVENT_STOP && is_let_go(pid)) {
    ptrace(PTRACE_DETACH, pid, 0, 0);
  } else if (event == PTRACE_EVENT_EXEC) {
    on_exec(pid);
    resume(pid, 0);
  } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
             event == PTRACE_EVENT_CLONE) {
    on_fork(pid);
    resume(pid, 0);
  } else if (event != 0) {
    resume(pid, 0);
  } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
    on_syscall(pid);
  } else {
    resume(pid, WSTOPSIG(status));
  }
}

static volatile sig_atomic_t told_to_end;
/* Again and again: it may come just before the wait that it shall interrupt. */
static void on_term(int signal) {
  told_to_end = signal;
  alarm(1);
}

static void attach(pid_t pid) {
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
                 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  if (ptrace(PTRACE_SEIZE, pid, 0, (void *)options) < 0) {
    perror("killat: seize");
    exit(125);
  }
}

static pid_t start(char **argv) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) < 0) exit(125);
  pid_t pid = fork();
  if (pid == 0) {
    char c;
    if (read(gate[0], &c, 1) == 1) execvp(argv[0], argv);
    _exit(127);
  }
  attach(pid);
  if (write(gate[1], "g", 1) != 1) exit(125);
  close(gate[0]);
  close(gate[1]);
  return pid;
}

int main(int argc, char **argv) {
  if (argc < 6) return 125;
  snprintf(who, sizeof(who), "%s", argv[2]);
  char *mark = strpbrk(who, ":+");
  if (mark != NULL) {
    *(*mark == ':' ? &want_exec : &want_fork) = atoi(mark + 1);
    *mark = '\0';
  }
  when = atol(argv[3]);
  struct sigaction act = {.sa_handler = on_term};
  sigaction(SIGTERM, &act, NULL);
  sigaction(SIGALRM, &act, NULL);
  if (strcmp(argv[4], "-p") == 0) {
    named = (pid_t)atoi(argv[5]);
    if (want_fork == 0) target = named;
    attach(named);
    ptrace(PTRACE_INTERRUPT, named, 0, 0);
    printf("attached\n");
    fflush(stdout);
  } else {
    command = start(argv + 5);
  }
  int code = 0;
  while (!told_to_end) {
    int status;
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    if (WIFSTOPPED(status)) {
      on_stop(pid, status);
      continue;
    }
    if (pid == target && strcmp(fate, "killed") != 0) fate = "ended";
    if (pid == target && command == 0) break;
    if (pid == command) {
      code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      break;
    }
  }
  if (strcmp(fate, "never") == 0 && target != 0) fate = "lives";
  report(argv[1]);
  return code; /* whoever is still traced goes on untraced */
}
