#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "runtime/rootfs.h"
#include "tests/unit/runtime/fixture.h"

namespace kpod::runtime {
namespace {

TEST_F(ContainerTest, RunsAProgramFromADirectory) {
  Outcome o = Sh("echo hello; hostname; exit 7");
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "hello\nbox\n");
  EXPECT_EQ(o.exit.code, 7);
}

TEST_F(ContainerTest, RunsFromOverlayLayers) {
  std::string top = dir_ + "/top";
  ASSERT_TRUE(MakeDirs(top + "/etc", 0755).ok());
  ASSERT_TRUE(WriteFileAtomic(top + "/etc/motd", "from the top\n", 0644).ok());
  StartOptions options;
  options.rootfs = {{top, rootfs_}, dir_ + "/upper", dir_ + "/work"};
  Spec s = BaseSpec({"sh", "-c", "cat /etc/motd; echo x > /written; cat /written"});
  s.root_path.clear();
  Outcome o = Run(s, options);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "from the top\nx\n");
  EXPECT_TRUE(Exists(dir_ + "/upper/written"));
  EXPECT_FALSE(Exists(rootfs_ + "/written"));
  // The same upper again, as after a restart.
  Outcome again = Run(s, options);
  ASSERT_STARTED(again);
  EXPECT_EQ(again.exit.code, 0);
}

// As on a kernel before 6.5.
TEST_F(ContainerTest, OldOverlayMount) {
  ASSERT_TRUE(MakeDirs(dir_ + "/top/etc", 0755).ok());
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/top/etc/motd", "from the top\n", 0644).ok());
  ASSERT_TRUE(MakeDirs(dir_ + "/upper", 0755).ok());
  ASSERT_TRUE(MakeDirs(dir_ + "/work", 0755).ok());
  for (int use = 0; use < 2; ++use) {
    Result<std::string> seen = RunInChild([&]() -> Result<std::string> {
      if (::unshare(CLONE_NEWNS) < 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
        return Error::Errno("unshare");
      }
      PreparedRoot prepared;
      prepared.legacy = Rootfs{{dir_ + "/top", rootfs_}, dir_ + "/upper", dir_ + "/work"};
      Fd root = TRY(AttachRoot(std::move(prepared)));
      TRY(EnterRoot(root.get()));
      TRY(WriteFile("/etc/motd", "FROM"));
      return StrCat(Exists("/bin/sh") ? "whole " : "", TRY(ReadFile("/etc/motd")));
    });
    ASSERT_TRUE(seen.ok()) << seen.error().message();
    EXPECT_EQ(*seen, "whole FROM the top\n");
  }
  EXPECT_EQ(ReadFile(dir_ + "/upper/etc/motd").value_or(""), "FROM the top\n");
  EXPECT_EQ(ReadFile(dir_ + "/top/etc/motd").value_or(""), "from the top\n");
}

TEST_F(ContainerTest, FirstProcessSeesOnlyItself) {
  Outcome o = Sh("echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/mounts | grep -c /tmp/");
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out.substr(0, 2), "1\n") << o.out;
  EXPECT_NE(o.out.find("\n0\n"), std::string::npos) << o.out;
}

TEST_F(ContainerTest, UserWithoutPrivileges) {
  Spec s = BaseSpec(
      {"sh", "-c", "id -u; id -G; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status"});
  s.process.user = {1000, 1001, std::nullopt, {2000}};
  s.process.no_new_privileges = true;
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "1000\n1001 2000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_F(ContainerTest, UserWithFilterButMayGainPrivileges) {
  Spec s = BaseSpec({"sh", "-c", "id -u; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status"});
  s.process.user = {1000, 1000, std::nullopt, {}};
  s.process.oom_score_adj = 500;
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "1000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
}

TEST_F(ContainerTest, FilterHolds) {
  Spec s = BaseSpec({"mkdir", "/tmp/x"});
  s.default_seccomp = false;
  Result<Json> profile = ParseJson(
      R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
          {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})",
      "profile");
  ASSERT_TRUE(profile.ok());
  s.seccomp = *profile;
  StartOptions options;
  options.cache_dir = dir_ + "/seccomp";
  for (int i = 0; i < 2; ++i) {
    Outcome o = Run(s, options);
    ASSERT_STARTED(o);
    EXPECT_TRUE(Contains(o.out, "No space left on device")) << o.out;
  }
  EXPECT_EQ(ListDir(options.cache_dir).value_or({}).size(), 1u);
}

TEST_F(ContainerTest, DevicesHaveTheirModesWhateverTheUmask) {
  mode_t before = ::umask(0077);
  Spec s =
      BaseSpec({"sh", "-c", "stat -c '%a %t:%T' /dev/null /dev/tty; umask; echo x > /dev/null"});
  s.process.user = {1000, 1000, std::nullopt, {}};
  Outcome o = Run(s);
  ::umask(before);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "666 1:3\n666 5:0\n0022\n");
}

TEST_F(ContainerTest, DiesWithItsParent) {
  Result<Pipe> pipe = MakePipe();
  ASSERT_TRUE(pipe.ok());
  Result<Child> parent = Fork([&] {
    StartOptions options;
    options.stdout_fd = pipe->write.get();
    Result<Started> started = Start(BaseSpec({"sh", "-c", "echo up; sleep 1000"}), options);
    return started ? 0 : 1;
  });
  ASSERT_TRUE(parent.ok());
  pipe->write.Reset();
  Result<ExitState> exit = WaitFor(*parent);
  ASSERT_TRUE(exit.ok());
  ASSERT_EQ(exit->code, 0);
  // The end of file comes when the last process of the container is gone.
  Result<std::string> rest = ReadAll(pipe->read.get(), 1 << 10);
  ASSERT_TRUE(rest.ok());
}

TEST_F(ContainerTest, CapabilitiesAreTheGivenOnes) {
  Outcome o = Sh("grep -E '^Cap(Prm|Eff|Bnd|Amb):' /proc/self/status");
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out,
            "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n"
            "CapAmb:\t0000000000000000\n");
}

TEST_F(ContainerTest, ErrorsHaveTheirExitCodes) {
  Outcome absent = Run(BaseSpec({"no-such-program"}));
  EXPECT_FALSE(absent.started);
  EXPECT_EQ(absent.error_code, 127);
  EXPECT_TRUE(Contains(absent.error, "executable file not found in $PATH")) << absent.error;
  Outcome path = Run(BaseSpec({"/no/such"}));
  EXPECT_EQ(path.error_code, 127);
  Outcome refused = Run(BaseSpec({"/etc/passwd"}));
  EXPECT_EQ(refused.error_code, 126);
  Spec s = BaseSpec({"true"});
  s.mounts.push_back({"/x", "bind", "/no/such/source", {"bind"}});
  EXPECT_EQ(Run(s).error_code, 125);
}

TEST_F(ContainerTest, ReadOnlyRoot) {
  Spec s = BaseSpec({"sh", "-c", "touch /x || touch /dev/shm/x && echo ok"});
  s.root_readonly = true;
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_TRUE(o.out.ends_with("ok\n")) << o.out;
  EXPECT_FALSE(Exists(rootfs_ + "/x"));
}

TEST_F(ContainerTest, RlimitsAreClamped) {
  Spec s = BaseSpec({"sh", "-c", "ulimit -n"});
  s.process.rlimits = {{"RLIMIT_NOFILE", 100, 200}};
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "100\n");
  // More than fs.nr_open allows anybody.
  s.process.rlimits = {{"RLIMIT_NOFILE", ~uint64_t{0}, ~uint64_t{0}}};
  o = Run(s);
  ASSERT_STARTED(o);
  ASSERT_EQ(o.warnings.size(), 1u);
  EXPECT_TRUE(o.warnings[0].starts_with("RLIMIT_NOFILE clamped to ")) << o.warnings[0];
  s.process.rlimits = {{"RLIMIT_UNHEARD_OF", 1, 1}};
  EXPECT_FALSE(Run(s).started);
}

TEST_F(ContainerTest, SysctlsOfTheNamespaceOnly) {
  Spec s = BaseSpec({"cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"});
  s.sysctl["net.ipv4.ip_unprivileged_port_start"] = "80";
  Outcome o = Run(s);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "80\n");
  s.sysctl = {{"vm.swappiness", "1"}};
  EXPECT_FALSE(Run(s).started);
}

TEST_F(ContainerTest, BornInItsGroupAndExecJoins) {
  std::string path = StrCat("/kpod-test-runtime-", ::getpid());
  std::vector<std::string> warnings;
  Result<Cgroup> group = Cgroup::Create(path, {}, &warnings);
  if (!group) GTEST_SKIP() << group.error().message();
  Undo remove([&] {
    (void)group->Kill();
    EXPECT_TRUE(group->Remove().ok());
  });
  StartOptions options;
  options.cgroup = &*group;
  options.cache_dir = dir_ + "/seccomp";
  Spec s = BaseSpec({"sleep", "1000"});
  s.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid"}});
  Result<Started> started = Start(s, options);
  ASSERT_TRUE(started.ok()) << started.error().message();
  Undo end([&] { End(started->child); });
  std::vector<pid_t> pids = group->Processes().value_or({});
  ASSERT_EQ(pids.size(), 1u);
  EXPECT_EQ(pids[0], started->child.pid);

  ExecOptions exec;
  exec.target = started->child.pid;
  exec.process = s.process;
  exec.process.args = {"sh", "-c", "hostname; cat /proc/1/comm; cat /proc/self/cgroup; pwd"};
  exec.process.cwd = "/tmp";
  exec.default_seccomp = true;
  exec.cache_dir = options.cache_dir;
  exec.cgroup = &*group;
  Outcome o = RunExec(exec);
  ASSERT_STARTED(o);
  EXPECT_TRUE(o.out.starts_with("box\nsleep\n")) << o.out;
  EXPECT_TRUE(o.out.ends_with("/tmp\n")) << o.out;
  EXPECT_FALSE(Contains(o.out, path)) << o.out;
  exec.process.args = {"nothing-there"};
  EXPECT_EQ(RunExec(exec).error_code, 127);
}

TEST_F(ContainerTest, SharedPidNamespace) {
  Result<Started> first = Start(BaseSpec({"sleep", "1000"}), {});
  ASSERT_TRUE(first.ok()) << first.error().message();
  Undo end([&] { End(first->child); });
  Result<Fd> ns = Open(StrCat("/proc/", first->child.pid, "/ns/pid"), O_RDONLY);
  ASSERT_TRUE(ns.ok());
  StartOptions options;
  options.join.push_back({ns->get(), CLONE_NEWPID});
  Outcome o = Run(BaseSpec({"cat", "/proc/1/comm"}), options);
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out, "sleep\n");
  // The caller's own children are still born in its own namespace.
  Outcome own = Run(BaseSpec({"sh", "-c", "echo $$"}));
  EXPECT_EQ(own.out, "1\n");
}

TEST_F(ContainerTest, UserNamespace) {
  Spec s = BaseSpec({"sh", "-c", "id -u; cat /proc/self/uid_map | wc -l; cat /etc/passwd | wc -l"});
  s.namespaces.push_back({"user", ""});
  s.uid_mappings = s.gid_mappings = {{0, 100000, 65536}};
  Outcome o = Run(s);
  if (!o.started) GTEST_SKIP() << o.error;
  EXPECT_EQ(o.out, "0\n1\n2\n");
}

TEST(ResolveUserTest, NamesAndNumbers) {
  auto read = [](const std::string& path) -> std::string {
    if (path == "/etc/passwd") return "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n";
    return "www:x:34:\nextra:x:50:web,other\n";
  };
  struct Case {
    const char* user;
    uint32_t uid, gid;
    size_t groups;
    const char* home;
  };
  for (const Case& c : {Case{"", 0, 0, 0, "/root"}, Case{"web", 33, 34, 1, "/var/www"},
                        Case{"33", 33, 34, 1, "/var/www"}, Case{"web:50", 33, 50, 0, "/var/www"},
                        Case{"web:extra", 33, 50, 0, "/var/www"}, Case{"1000", 1000, 0, 0, "/"},
                        Case{"1000:7", 1000, 7, 0, "/"}}) {
    Result<ResolvedUser> r = ResolveUser(c.user, read);
    ASSERT_TRUE(r.ok()) << c.user;
    EXPECT_EQ(r->uid, c.uid) << c.user;
    EXPECT_EQ(r->gid, c.gid) << c.user;
    EXPECT_EQ(r->additional_gids.size(), c.groups) << c.user;
    EXPECT_EQ(r->home, c.home) << c.user;
  }
  for (const char* bad : {"nobody-here", "web:none", "4294967295", "-1"}) {
    EXPECT_FALSE(ResolveUser(bad, read).ok()) << bad;
  }
}

}  // namespace
}  // namespace kpod::runtime
