#include "store/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"

namespace kpod::store {
namespace {

// Sets a variable for one test and puts back what was there.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name)) old_ = old;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~ScopedEnv() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Paths, RootsDefaults) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root";
  ScopedEnv root("KPOD_ROOT", nullptr), run("KPOD_RUN", nullptr);
  Paths paths = Paths::FromEnvironment();
  EXPECT_EQ(paths.root, "/var/lib/kpod");
  EXPECT_EQ(paths.run, "/run/kpod");
  EXPECT_EQ(paths.Instance(), "");
}

TEST(Paths, EnvironmentChooses) {
  ScopedEnv root("KPOD_ROOT", "/srv//pods/./x/"), run("KPOD_RUN", "/run/elsewhere/");
  Paths paths = Paths::FromEnvironment();
  EXPECT_EQ(paths.root, "/srv/pods/x");
  EXPECT_EQ(paths.run, "/run/elsewhere");
  EXPECT_EQ(paths.Instance().size(), 6u);
}

TEST(Paths, AnotherRootHasAnotherRun) {
  ScopedEnv root("KPOD_ROOT", "/srv/pods"), run("KPOD_RUN", nullptr);
  Paths paths = Paths::FromEnvironment();
  EXPECT_TRUE(paths.run.ends_with("kpod-" + paths.Instance())) << paths.run;
}

TEST(Paths, RelativeRootIsMadeAbsolute) {
  ScopedEnv root("KPOD_ROOT", "here");
  EXPECT_EQ(Paths::FromEnvironment().root.front(), '/');
  EXPECT_TRUE(Paths::FromEnvironment().root.ends_with("/here"));
}

TEST(Paths, InstanceDependsOnTheRootOnlyAndNotOnItsSpelling) {
  EXPECT_EQ((Paths{"/a/b", "/run/1"}).Instance(), (Paths{"/a//b/", "/run/2"}).Instance());
  EXPECT_NE((Paths{"/a/b", "/r"}).Instance(), (Paths{"/a/c", "/r"}).Instance());
}

TEST(Paths, MakeAllIsRepeatableAndPrivate) {
  char dir[] = "/tmp/kpod-paths-XXXXXX";
  ASSERT_NE(::mkdtemp(dir), nullptr);
  Undo remove([&] { (void)RemoveAll(dir).ok(); });
  Paths paths{std::string(dir) + "/deep/root", std::string(dir) + "/run"};
  ASSERT_TRUE(paths.MakeAll().ok());
  ASSERT_TRUE(paths.MakeAll().ok());
  for (const std::string& made : {paths.Objects(), paths.Pods(), paths.Volumes(), paths.Images(),
                                  paths.Network(), paths.Events(), paths.Locks()}) {
    struct stat st;
    ASSERT_EQ(::stat(made.c_str(), &st), 0) << made;
    EXPECT_EQ(st.st_mode & 0777, 0700u) << made;
  }
}

}  // namespace
}  // namespace kpod::store
