#include "runtime/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (CgroupVersion() == "none") GTEST_SKIP() << "no cgroups are mounted";
    path_ = StrCat("/kpod-test-", ::getpid());
  }
  void TearDown() override {
    if (path_.empty()) return;
    EXPECT_TRUE(Cgroup::At(path_).Kill().ok());
    Status s = Cgroup::At(path_).Remove();
    EXPECT_TRUE(s.ok()) << s.error().message();
    EXPECT_FALSE(Cgroup::At(path_).Stats().ok()) << "something is left";
  }
  Cgroup Make(const std::string& name, const Resources& r) {
    warnings_.clear();
    Result<Cgroup> g = Cgroup::Create(path_ + name, r, &warnings_);
    EXPECT_TRUE(g.ok()) << g.error().message();
    return g ? *g : Cgroup::At(path_ + name);
  }
  std::string path_;
  std::vector<std::string> warnings_;
};

TEST_F(CgroupTest, AChildIsBornInside) {
  Cgroup g = Make("/a", {});
  Result<Child> child = g.ForkInto([] { return ::pause(); });
  ASSERT_TRUE(child.ok()) << child.error().message();
  Result<std::vector<pid_t>> pids = g.Processes();
  ASSERT_TRUE(pids.ok());
  EXPECT_EQ(*pids, std::vector<pid_t>{child->pid});
  EXPECT_EQ(Cgroup::At(path_).Processes()->size(), 1u) << "with groups below";
  EXPECT_TRUE(g.Kill().ok());
  EXPECT_EQ(WaitFor(*child)->signal, SIGKILL);
}

TEST_F(CgroupTest, KillReachesGrandchildren) {
  Cgroup g = Make("/a/b", {});
  Result<Child> child = g.ForkInto([] {
    ::setsid();
    for (int i = 0; i < 5; ++i) (void)::fork();
    return ::pause();
  });
  ASSERT_TRUE(child.ok());
  EXPECT_TRUE(Cgroup::At(path_).Kill().ok());
  EXPECT_EQ(WaitFor(*child)->signal, SIGKILL);
  EXPECT_TRUE(g.Processes()->empty());
}

TEST_F(CgroupTest, MemoryLimitBinds) {
  Resources r;
  r.memory_limit = 16 << 20;
  r.memory_swap = 16 << 20;
  Cgroup g = Make("/m", r);
  if (!warnings_.empty()) GTEST_SKIP() << warnings_[0];
  Result<Child> child = g.ForkInto([] {
    size_t size = 128 << 20;
    void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 3;
    ::memset(p, 1, size);
    return 0;
  });
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(WaitFor(*child)->signal, SIGKILL);
  Result<CgroupStats> stats = g.Stats();
  ASSERT_TRUE(stats.ok());
  EXPECT_GE(stats->oom_kills, 1u);
  EXPECT_EQ(stats->memory_limit, uint64_t{16 << 20});
}

TEST_F(CgroupTest, PidsLimitBinds) {
  Resources r;
  r.pids_limit = 3;
  Cgroup g = Make("/p", r);
  if (!warnings_.empty()) GTEST_SKIP() << warnings_[0];
  Result<Child> child = g.ForkInto([] {
    int made = 0;
    for (int i = 0; i < 10; ++i) {
      pid_t pid = ::fork();
      if (pid == 0) ::pause();
      if (pid > 0) ++made;
    }
    return made;
  });
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(WaitFor(*child)->code, 2);
}

TEST_F(CgroupTest, CountsProcessorTime) {
  Cgroup g = Make("/c", {});
  Result<Child> child = g.ForkInto([] {
    volatile uint64_t n = 0;
    while (::clock() < CLOCKS_PER_SEC / 20) n = n + 1;
    return 0;
  });
  ASSERT_TRUE(child.ok());
  (void)WaitFor(*child);
  EXPECT_GE(g.Stats()->cpu_nanos, 10000000u);
}

TEST_F(CgroupTest, PathsDoNotClimb) {
  EXPECT_EQ(Cgroup::At("/../../x/../y").path(), "/y");
  std::vector<std::string> warnings;
  EXPECT_FALSE(Cgroup::Create("/..", {}, &warnings).ok());
}

TEST_F(CgroupTest, LimitsCanChange) {
  Resources r;
  r.memory_limit = 64 << 20;
  Cgroup g = Make("/u", r);
  r.memory_limit = 32 << 20;
  ASSERT_TRUE(g.Update(r, &warnings_).ok());
  if (!warnings_.empty()) GTEST_SKIP() << warnings_[0];
  EXPECT_EQ(g.Stats()->memory_limit, uint64_t{32 << 20});
}

}  // namespace
}  // namespace kpod::runtime
