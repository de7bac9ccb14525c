#include "pods/volumes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"

namespace kpod::pods {
namespace {

class Volumes : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-volumes-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    paths_.root = dir_ + "/root";
    paths_.run = dir_ + "/run";
    plan_.ns = "shop";
    plan_.name = "web";
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(dir_).ok()); }

  static mode_t ModeOf(const std::string& path) {
    struct stat st;
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  std::string dir_;
  store::Paths paths_;
  Plan plan_;
};

TEST_F(Volumes, HostPathByType) {
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/file", "x").ok());
  ASSERT_TRUE(MakeDir(dir_ + "/folder").ok());
  struct Case {
    const char *type, *name, *want;  // want: how the message ends; "" accepted
  };
  for (const Case& c :
       {Case{"", "file", ""}, Case{"", "folder", ""}, Case{"Directory", "folder", ""},
        Case{"Directory", "file", "/file is not a directory"},
        Case{"Directory", "no", "/no is not a directory"},
        Case{"DirectoryOrCreate", "file", "/file is not a directory"}, Case{"File", "file", ""},
        Case{"File", "folder", "/folder is not a file"}, Case{"File", "no", "/no is not a file"},
        Case{"FileOrCreate", "folder", "/folder is not a file"},
        Case{"Socket", "file", "/file is not a socket file"},
        Case{"CharDevice", "file", "/file is not a character device"},
        Case{"BlockDevice", "file", "/file is not a block device"}}) {
    VolumePlan v;
    v.kind = VolumePlan::Kind::kHostPath;
    v.source = dir_ + "/" + c.name;
    v.host_path_type = c.type;
    Status s = PrepareVolume(paths_, plan_, v);
    std::string got = s ? "" : s.error().message();
    if (*c.want == '\0') {
      EXPECT_EQ(got, "") << c.type;
    } else {
      EXPECT_EQ(got, "hostPath type check failed: " + dir_ + c.want) << c.type;
    }
  }
}

TEST_F(Volumes, HostPathIsMadeWhereTheTypeSaysSo) {
  VolumePlan v;
  v.kind = VolumePlan::Kind::kHostPath;
  v.source = dir_ + "/made/deep";
  v.host_path_type = "DirectoryOrCreate";
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  EXPECT_EQ(ModeOf(v.source), 0755U);
  v.source = dir_ + "/made/file";
  v.host_path_type = "FileOrCreate";
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  EXPECT_EQ(ModeOf(v.source), 0644U);
  v.source = dir_ + "/absent/file";
  EXPECT_FALSE(PrepareVolume(paths_, plan_, v).ok());
}

TEST_F(Volumes, AClaimIsGivenToTheGroupAllThroughAndNothingOutsideIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  VolumePlan v;
  v.kind = VolumePlan::Kind::kClaim;
  v.source = "data";
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  std::string path = VolumePath(paths_, plan_, v);
  EXPECT_EQ(ModeOf(path), 0777U);
  ASSERT_TRUE(MakeDirs(path + "/d/e", 0700).ok());
  ASSERT_TRUE(WriteFileAtomic(path + "/d/e/f", "x", 0600).ok());
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/outside", "x", 0600).ok());
  ASSERT_EQ(::symlink((dir_ + "/outside").c_str(), (path + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((path + "/fifo").c_str(), 0600), 0);

  plan_.fs_group = 4321;
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  struct stat st;
  ASSERT_EQ(::stat((path + "/d/e/f").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 4321U);
  EXPECT_EQ(st.st_mode & 07777, 0660U);
  ASSERT_EQ(::stat((path + "/d/e").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 02770U);
  ASSERT_EQ(::lstat((path + "/link").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 4321U);
  ASSERT_EQ(::stat((dir_ + "/outside").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, ::getegid());
  EXPECT_EQ(st.st_mode & 07777, 0600U);

  // OnRootMismatch trusts a root that matches; Always looks again.
  ASSERT_EQ(::chown((path + "/d/e/f").c_str(), 0, 0), 0);
  plan_.fs_group_change_policy = "OnRootMismatch";
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  ASSERT_EQ(::stat((path + "/d/e/f").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 0U);
  plan_.fs_group_change_policy = "Always";
  ASSERT_TRUE(PrepareVolume(paths_, plan_, v).ok());
  ASSERT_EQ(::stat((path + "/d/e/f").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 4321U);
}

}  // namespace
}  // namespace kpod::pods
