#include <signal.h>

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

TEST_F(ContainerTest, FirstProcessSeesOnlyItself) {
  Outcome o = Sh("echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/mounts | grep -c /tmp/");
  ASSERT_STARTED(o);
  EXPECT_EQ(o.out.substr(0, 2), "1\n") << o.out;
  EXPECT_NE(o.out.find("\n0\n"), std::string::npos) << o.out;
}

}  // namespace
}  // namespace kpod::runtime
