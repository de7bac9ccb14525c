#include "runtime/selinux.h"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

TEST(Selinux, Labels) {
  SelinuxLabels plain = SelinuxLabelsFor({});
  EXPECT_EQ(plain.process, "system_u:system_r:container_t:s0");
  EXPECT_EQ(plain.files, "system_u:object_r:container_file_t:s0");
  SelinuxLabels given = SelinuxLabelsFor({"u", "r", "spc_t", "s0:c1,c2"});
  EXPECT_EQ(given.process, "u:r:spc_t:s0:c1,c2");
  EXPECT_EQ(given.files, "system_u:object_r:container_file_t:s0:c1,c2");
}

class Relabelling : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/kpod-selinux-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override {
    if (dir_.empty()) return;
    EXPECT_TRUE(RemoveAll(dir_).ok());
  }
  std::string LabelOf(const std::string& path) {
    char value[256];
    ssize_t n = ::lgetxattr(StrCat(dir_, path).c_str(), "security.selinux", value, sizeof(value));
    return n < 0 ? "" : std::string(value, static_cast<size_t>(n));
  }
  std::string dir_;
};

TEST_F(Relabelling, TheTreeAndNothingThatALinkLeadsTo) {
  if (IsSelinuxOn()) GTEST_SKIP() << "the policy of this machine does not know the label";
  ASSERT_TRUE(MakeDirs(dir_ + "/volume/deep/er").ok());
  ASSERT_TRUE(WriteFileOnce(dir_ + "/volume/deep/er/file", "x").ok());
  ASSERT_TRUE(WriteFileOnce(dir_ + "/outside", "x").ok());
  ASSERT_EQ(::symlink("../outside", (dir_ + "/volume/link").c_str()), 0);
  Status s = Relabel(dir_ + "/volume", "u:r:t:s0");
  ASSERT_TRUE(s.ok()) << s.error().message();
  for (const char* path : {"/volume", "/volume/deep/er", "/volume/deep/er/file", "/volume/link"})
    EXPECT_EQ(LabelOf(path), "u:r:t:s0") << path;
  EXPECT_EQ(LabelOf("/outside"), "");
  EXPECT_EQ(LabelOf(""), "");
  EXPECT_FALSE(Relabel(dir_ + "/absent", "u:r:t:s0").ok());
}

TEST_F(Relabelling, WhereThereIsSelinux) {
  EXPECT_TRUE(CheckLabel("u:r:t:s0", dir_).ok());
  EXPECT_FALSE(IsSelinuxOn(dir_));
  ASSERT_TRUE(MakeDirs(dir_ + "/fs/selinux").ok());
  EXPECT_FALSE(IsSelinuxOn(dir_));
  ASSERT_TRUE(WriteFileOnce(dir_ + "/fs/selinux/enforce", "0").ok());
  EXPECT_TRUE(IsSelinuxOn(dir_));
}

}  // namespace
}  // namespace kpod::runtime
