// The known ways out of a container, each tried.
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cstdlib>

#include "base/fd.h"
#include "runtime/procfs.h"
#include "tests/unit/runtime/fixture.h"

namespace kpod::runtime {
namespace {

class EscapeTest : public ContainerTest {};

// CVE-2019-5736: a program that was executed from a sealed descriptor cannot be opened for writing
// through /proc/PID/exe, not even once it no longer runs.
TEST_F(EscapeTest, SealedExecutableCannotBeWritten) {
  std::string program = rootfs_ + "/bin/busybox";
  Result<Fd> sealed = SealedExecutable(program);
  ASSERT_TRUE(sealed.ok()) << sealed.error().message();
  Result<Child> child = Fork([&] {
    char name[] = "sleep", time[] = "1000";
    char* argv[] = {name, time, nullptr};
    char* env[] = {nullptr};
    ::fexecve(sealed->get(), argv, env);
    return 99;
  });
  ASSERT_TRUE(child.ok());
  Undo end([&] { End(*child); });
  std::string exe = StrCat("/proc/", child->pid, "/exe");
  // The image of the forked test program goes when exec is done.
  for (int i = 0; i < 1000; ++i) {
    struct statvfs fs;
    if (::statvfs(exe.c_str(), &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0) break;
    ::usleep(10000);
  }
  Result<Fd> path = Open(exe, O_PATH);
  ASSERT_TRUE(path.ok());
  end.Dismiss();
  End(*child);  // a running program is busy (ETXTBSY), which would hide what is tested
  Result<Fd> write = Open(StrCat("/proc/self/fd/", path->get()), O_WRONLY);
  ASSERT_FALSE(write.ok());
  EXPECT_EQ(write.error().code(), EROFS);
  // The very same file by its own name can be written: it was the mount that refused.
  EXPECT_TRUE(Open(program, O_WRONLY).ok());
}

// What the next test executes: this very program, sealed.
TEST(SealSelfTest, Probe) {
  if (std::getenv("KPOD_TEST_SEALED") == nullptr) GTEST_SKIP() << "only as a part of the next test";
  struct statvfs fs;
  ASSERT_EQ(::statvfs("/proc/self/exe", &fs), 0);
  EXPECT_NE(fs.f_flag & ST_RDONLY, 0u);
  char name[] = "sealed";
  char* argv[] = {name, nullptr};
  EXPECT_TRUE(SealSelf(argv).ok());  // returns: done already
}

TEST(SealSelfTest, ExecutesItselfFromAReadOnlyMount) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Result<Child> child = Fork([] {
    ::setenv("KPOD_TEST_SEALED", "1", 1);
    char name[] = "sealed", filter[] = "--gtest_filter=SealSelfTest.Probe";
    char* argv[] = {name, filter, nullptr};
    (void)SealSelf(argv);
    return 99;
  });
  ASSERT_TRUE(child.ok());
  Result<ExitState> exit = WaitFor(*child);
  ASSERT_TRUE(exit.ok());
  EXPECT_EQ(exit->code, 0);
}

// CVE-2024-21626: descriptors that the caller forgot to mark are not there, and are no working
// directory.
TEST_F(EscapeTest, ForgottenDescriptorsDoNotLeak) {
  int leak = ::open("/", O_RDONLY | O_DIRECTORY);  // on purpose not close-on-exec
  ASSERT_GE(leak, 0);
  Fd owner(leak);
  Outcome o = Sh("ls /proc/self/fd | wc -l");
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "4\n");  // the standard ones and that of the listing itself
  for (const char* self : {"self", "thread-self"}) {
    Spec s = BaseSpec({"ls"});
    s.process.cwd = StrCat("/proc/", self, "/fd/", leak);
    Outcome out = Run(s);
    EXPECT_FALSE(out.started) << out.out;
    s.process.cwd += "/../..";
    out = Run(s);
    EXPECT_FALSE(out.started && Contains(out.out, "busybox")) << out.out;
  }
}

// CVE-2021-30465: the target of a mount is looked up inside the root, whatever links the image has.
TEST_F(EscapeTest, MountTargetsStayInside) {
  std::string outside = dir_ + "/outside";
  ASSERT_TRUE(MakeDirs(outside, 0755).ok());
  ASSERT_EQ(::symlink(outside.c_str(), (rootfs_ + "/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../../../../..", (rootfs_ + "/up").c_str()), 0);
  Spec s = BaseSpec({"sh", "-c", "ls -d /absolute/sub /up/made/sub"});
  s.mounts.push_back({"/absolute/sub", "tmpfs", "tmpfs", {}});
  s.mounts.push_back({"/up/made/sub", "tmpfs", "tmpfs", {}});
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.exit.code, 0) << o.out;
  EXPECT_FALSE(Exists(outside + "/sub"));
  EXPECT_TRUE(Exists(rootfs_ + "/made/sub"));
}

// A subPath whose link leaves the volume is refused, one that stays is followed.
TEST_F(EscapeTest, SubPathsStayInTheVolume) {
  std::string volume = dir_ + "/volume";
  ASSERT_TRUE(MakeDirs(volume + "/real", 0755).ok());
  ASSERT_TRUE(WriteFileAtomic(volume + "/real/f", "inside\n", 0644).ok());
  ASSERT_EQ(::symlink("real", (volume + "/near").c_str()), 0);
  ASSERT_EQ(::symlink("/etc", (volume + "/far").c_str()), 0);
  ASSERT_EQ(::symlink("../../..", (volume + "/above").c_str()), 0);
  auto run = [&](const std::string& sub) {
    Spec s = BaseSpec({"cat", "/v/f"});
    s.mounts.push_back({"/v", "bind", volume, {"rbind", "kpod.subpath=" + sub}});
    return Run(s);
  };
  Outcome near = run("near");
  ASSERT_STARTED(near);
  EXPECT_EQ(near.out, "inside\n");
  for (const char* sub : {"far", "above", "../x", "real/../../x"}) {
    Outcome o = run(sub);
    EXPECT_FALSE(o.started) << sub;
  }
}

// Who may write to the volume may write to a subPath that was made in it.
TEST_F(EscapeTest, MadeSubPathHasTheModeOfItsVolume) {
  std::string volume = dir_ + "/volume";
  ASSERT_TRUE(MakeDirs(volume, 0755).ok());
  ASSERT_EQ(::chmod(volume.c_str(), 01777), 0);
  Spec s = BaseSpec({"sh", "-c", "stat -c %a /v; echo x > /v/f && cat /v/f"});
  s.process.user = {1000, 1000, std::nullopt, {}};
  s.mounts.push_back({"/v", "bind", volume, {"rbind", "kpod.subpath=a/b"}});
  mode_t before = ::umask(0077);
  Outcome o = Run(s);
  ::umask(before);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "1777\nx\n");
}

// CVE-2023-27561, CVE-2019-19921: an image whose /proc leads elsewhere could hide the real one
// below a volume.
TEST_F(EscapeTest, ProcSysAndDevAreNoLinks) {
  for (const char* path : {"/proc", "/sys", "/dev"}) {
    ASSERT_EQ(::rmdir((rootfs_ + path).c_str()), 0);
    ASSERT_TRUE(MakeDirs(rootfs_ + "/v" + path, 0755).ok());
    ASSERT_EQ(::symlink(("v" + std::string(path)).c_str(), (rootfs_ + path).c_str()), 0);
    Outcome o = Run(BaseSpec({"true"}));
    EXPECT_FALSE(o.started) << path;
    EXPECT_TRUE(Contains(o.error, "symbolic link")) << o.error;
    ASSERT_EQ(::unlink((rootfs_ + path).c_str()), 0);
    ASSERT_TRUE(MakeDirs(rootfs_ + path, 0755).ok());
  }
}

// CVE-2019-16884: no volume stands in for procfs; counters may be covered, as lxcfs does.
TEST_F(EscapeTest, NothingIsMountedOverProcfs) {
  std::string fake = dir_ + "/fake";
  ASSERT_TRUE(MakeDirs(fake, 0755).ok());
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/file", "42\n", 0644).ok());
  ASSERT_EQ(::symlink("/proc/sys", (rootfs_ + "/alias").c_str()), 0);
  struct Case {
    const char* target;
    std::string type, source;
    bool allowed;
  };
  const Case cases[] = {{"/proc", "bind", fake, false},
                        {"/proc/../proc", "bind", fake, false},
                        {"/proc/sys", "bind", fake, false},
                        {"/alias", "bind", fake, false},
                        {"/proc/self/attr", "bind", fake, false},
                        {"/proc/irq", "tmpfs", "tmpfs", false},
                        {"/proc/version", "bind", dir_ + "/file", false},
                        {"/proc/uptime", "bind", dir_ + "/file", true},
                        {"/proc/bus", "bind", "/proc/bus", true},
                        {"/procedure", "bind", fake, true}};
  for (const Case& c : cases) {
    Spec s = BaseSpec({"cat", "/proc/uptime"});
    s.mounts.push_back({c.target, c.type, c.source, {c.type == "bind" ? "bind" : "mode=755"}});
    Outcome o = Run(s);
    EXPECT_EQ(o.started, c.allowed) << c.target << ": " << o.error;
    EXPECT_EQ(Contains(o.error, "over procfs"), !c.allowed) << o.error;
    bool covered = o.started && c.source == dir_ + "/file";
    EXPECT_EQ(o.out == "42\n", covered) << o.out;
  }
}

// A pid that was noted down may be somebody else's by now; its group tells.
TEST_F(EscapeTest, ExecJoinsOnlyWhatIsInTheContainersGroup) {
  std::vector<std::string> warnings;
  Result<Cgroup> group = Cgroup::Create(StrCat("/kpod-test-member-", ::getpid()), {}, &warnings);
  if (!group) GTEST_SKIP() << group.error().message();
  Undo remove([&] { (void)group->Remove(); });
  ExecOptions exec;
  exec.target = ::getpid();
  exec.process = BaseSpec({"true"}).process;
  exec.cgroup = &*group;
  Outcome o = RunExec(exec);
  EXPECT_FALSE(o.started);
  EXPECT_TRUE(Contains(o.error, "is not of this container")) << o.error;
}

// CVE-2025-31133: masked files show the null device, also where the image has its own /dev/null.
TEST_F(EscapeTest, MasksAreTheRealNullDevice) {
  ASSERT_EQ(::symlink("/proc/sys/kernel/core_pattern", (rootfs_ + "/dev/null").c_str()), 0);
  // A file that every kernel has.
  Spec s = BaseSpec({"sh", "-c", "stat -c '%t:%T' /proc/interrupts; cat /proc/interrupts | wc -c"});
  s.masked_paths = {"/proc/interrupts"};
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "1:3\n0\n");
  // The same where the whole of /dev comes from a volume.
  std::erase_if(s.mounts, [](const Mount& m) { return m.destination.starts_with("/dev"); });
  s.mounts.push_back({"/dev", "bind", rootfs_ + "/dev", {"bind"}});
  o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "1:3\n0\n");
}

// CVE-2025-52565: /dev/console is the terminal by descriptor, also where the image has a link.
TEST_F(EscapeTest, ConsoleLinkStaysInside) {
  Spec s = BaseSpec({"sh", "-c", "tty; test -c /dev/console && echo console"});
  s.process.terminal = true;
  Result<Started> started = Start(s, {});
  ASSERT_TRUE(started.ok()) << started.error().message();
  ASSERT_TRUE(started->terminal.valid());
  std::string text;
  char buf[256];
  for (ssize_t n; (n = ::read(started->terminal.get(), buf, sizeof(buf))) > 0;) {
    text.append(buf, static_cast<size_t>(n));
  }
  ASSERT_TRUE(WaitFor(started->child).ok());
  EXPECT_EQ(text, "/dev/pts/0\r\nconsole\r\n");
}

// The same with the image's own /dev: its console is a link to the host, its pts no devpts.
TEST_F(EscapeTest, TerminalsAreNotTheImagesOwn) {
  std::string outside = dir_ + "/outside";
  ASSERT_TRUE(WriteFileAtomic(outside, "safe", 0644).ok());
  Spec s = BaseSpec({"sh", "-c", "echo written > /dev/console"});
  s.process.terminal = true;
  std::erase_if(s.mounts, [](const Mount& m) { return m.destination == "/dev"; });
  ASSERT_EQ(::symlink(("../../../../../.." + outside).c_str(), (rootfs_ + "/dev/console").c_str()),
            0);
  Outcome o = Run(s);
  EXPECT_EQ(ReadFile(outside).value_or(""), "safe") << o.error;

  std::erase_if(s.mounts, [](const Mount& m) { return m.destination == "/dev/pts"; });
  for (const char* kind : {"node", "link"}) {
    ASSERT_TRUE(RemoveAll(rootfs_ + "/dev/pts").ok());
    ASSERT_TRUE(MakeDirs(rootfs_ + "/dev/pts", 0755).ok());
    std::string ptmx = rootfs_ + "/dev/pts/ptmx";
    int rc = kind == std::string("node") ? ::mknod(ptmx.c_str(), S_IFCHR | 0666, makedev(5, 2))
                                         : ::symlink("/proc/self/fd/0", ptmx.c_str());
    ASSERT_EQ(rc, 0);
    o = Run(s);
    EXPECT_FALSE(o.started) << kind;
    EXPECT_TRUE(Contains(o.error, "terminal")) << o.error;
  }
}

// TIOCSTI types into the terminal that controls the session: the container is in another one.
TEST_F(EscapeTest, TheCallersTerminalDoesNotControlTheContainer) {
  Result<std::string> said = RunInChild([&]() -> Result<std::string> {
    ::signal(SIGHUP, SIG_IGN);  // what the end of the terminal brings
    Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master || ::unlockpt(master.get()) < 0) return Error::Errno("pty");
    Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave || ::setsid() < 0 || ::ioctl(slave.get(), TIOCSCTTY, 0) < 0) {
      return Error::Errno("take the terminal");
    }
    StartOptions options;
    options.stdin_fd = slave.get();
    Outcome o =
        Run(BaseSpec({"sh", "-c", "test -t 0 && echo given; true < /dev/tty && echo controls"}),
            options);
    return o.out + o.error;
  });
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_TRUE(said->starts_with("given\n")) << *said;
  EXPECT_FALSE(Contains(*said, "controls")) << *said;
}

// CVE-2025-52881: what is written to /proc is written to /proc.
TEST_F(EscapeTest, WritesToProcAreNotRedirected) {
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/fake", "before", 0644).ok());
  auto in_namespace = [&](const std::function<Result<std::string>()>& body) {
    return RunInChild([&]() -> Result<std::string> {
      if (::unshare(CLONE_NEWNS) < 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
        return Error::Errno("unshare");
      return body();
    });
  };
  const char* const sysctl = "/proc/sys/kernel/msgmax";
  Result<std::string> covered = in_namespace([&]() -> Result<std::string> {
    if (::mount((dir_ + "/fake").c_str(), sysctl, nullptr, MS_BIND, nullptr) < 0)
      return Error::Errno("mount");
    Fd proc = TRY(OpenProc());
    Status s = WriteProc(proc.get(), "sys/kernel/msgmax", "8192");
    return std::string(s ? "written" : "refused");
  });
  ASSERT_TRUE(covered.ok()) << covered.error().message();
  EXPECT_EQ(*covered, "refused");
  EXPECT_EQ(ReadFile(dir_ + "/fake").value_or(""), "before");
  // Another file system, or only a part of procfs, in the place of /proc.
  for (bool part : {false, true}) {
    Result<std::string> replaced = in_namespace([&]() -> Result<std::string> {
      int rc = part ? ::mount("/proc/sys", "/proc", nullptr, MS_BIND, nullptr)
                    : ::mount("none", "/proc", "tmpfs", 0, "");
      if (rc < 0) return Error::Errno("mount");
      return std::string(OpenProc() ? "taken" : "refused");
    });
    ASSERT_TRUE(replaced.ok()) << replaced.error().message();
    EXPECT_EQ(*replaced, "refused") << part;
  }
}

TEST_F(EscapeTest, HostMountsAreGone) {
  Outcome o = Sh("cat /proc/self/mountinfo | wc -l; ls /; ls /..");
  ASSERT_STARTED(o);
  EXPECT_FALSE(Contains(o.out, "home")) << o.out;
}

TEST_F(EscapeTest, ReadOnlyAndMaskedPathsHold) {
  Outcome o =
      Sh("echo 1 > /proc/sys/kernel/panic; echo b > /proc/sysrq-trigger;"
         "mount -o remount,rw /proc/sys; ls /sys/firmware | wc -l");
  ASSERT_STARTED(o);
  EXPECT_TRUE(o.out.ends_with("0\n")) << o.out;
  EXPECT_TRUE(Contains(o.out, "Read-only file system")) << o.out;
}

}  // namespace
}  // namespace kpod::runtime
