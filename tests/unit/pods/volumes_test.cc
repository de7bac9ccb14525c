#include "pods/volumes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
  static std::string Link(const std::string& path) {
    char buf[4096];
    ssize_t n = ::readlink(path.c_str(), buf, sizeof(buf));
    return {buf, n > 0 ? static_cast<size_t>(n) : 0};
  }
  static std::string Text(const std::string& path) { return ReadFile(path).value_or("?"); }

  std::string dir_;
  store::Paths paths_;
  Plan plan_;
};

TEST(PayloadFor, KeysItemsAndModes) {
  kube::KeyedVolume v;
  v.default_mode = 0400;
  const kube::StringMap data = {{"a", "1"}, {"b", "2"}};
  auto all = PayloadFor(v, data, false);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].path, "a");
  EXPECT_EQ((*all)[0].mode, 0400);
  v.items = {{"b", "x/y", 0755}};
  auto some = PayloadFor(v, data, false);
  ASSERT_TRUE(some.ok());
  ASSERT_EQ(some->size(), 1U);
  EXPECT_EQ((*some)[0].path, "x/y");
  EXPECT_EQ((*some)[0].mode, 0755);
  v.items = {{"no", "x", std::nullopt}};
  EXPECT_EQ(PayloadFor(v, data, false).error().message(),
            "configmap references non-existent config key: no");
  EXPECT_EQ(PayloadFor(v, data, true).error().message(), "references non-existent secret key: no");
  v.optional = true;
  EXPECT_TRUE(PayloadFor(v, data, true).ok());
}

TEST(PayloadFor, PathsStayInside) {
  for (const char* path :
       {"/etc/passwd", "..", "../x", "a/../../x", "..data", "..data/x", ".", ""}) {
    kube::KeyedVolume v;
    v.items = {{"a", path, std::nullopt}};
    EXPECT_FALSE(PayloadFor(v, {{"a", "1"}}, false).ok()) << path;
  }
}

TEST_F(Volumes, PayloadIsSwappedInOneStep) {
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {{"a", "one", 0644}, {"d/e", "two", 0600}}, std::nullopt).ok());
  EXPECT_EQ(Text(v + "/a"), "one");
  EXPECT_EQ(Text(v + "/d/e"), "two");
  EXPECT_EQ(Link(v + "/a"), "..data/a");
  EXPECT_EQ(Link(v + "/d"), "..data/d");
  EXPECT_EQ(ModeOf(v + "/d/e"), 0600U);
  std::string first = Link(v + "/..data");
  EXPECT_EQ(first.substr(0, 2), "..");

  // The same again: not touched.
  ASSERT_TRUE(WritePayload(v, {{"a", "one", 0644}, {"d/e", "two", 0600}}, std::nullopt).ok());
  EXPECT_EQ(Link(v + "/..data"), first);

  // A reader that holds the old directory keeps seeing all of the old until it looks anew.
  Fd old(::open((v + "/..data").c_str(), O_PATH | O_DIRECTORY));
  ASSERT_TRUE(WritePayload(v, {{"a", "uno", 0644}, {"b", "new", 0644}}, std::nullopt).ok());
  EXPECT_EQ(Text(v + "/a"), "uno");
  EXPECT_EQ(Text(v + "/b"), "new");
  EXPECT_FALSE(Exists(v + "/d"));
  EXPECT_NE(Link(v + "/..data"), first);
  EXPECT_FALSE(Exists(v + "/" + first));  // no old set stays
  auto names = ListDir(v);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(names->size(), 4U);  // ..data, ..<time>, a, b
}

TEST_F(Volumes, AnEmptyPayloadIsAnEmptyDirectory) {
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {}, std::nullopt).ok());
  ASSERT_TRUE(WritePayload(v, {{"a", "1", 0644}}, std::nullopt).ok());
  ASSERT_TRUE(WritePayload(v, {}, std::nullopt).ok());
  EXPECT_FALSE(Exists(v + "/a"));
}

TEST_F(Volumes, PayloadOfAGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {{"d/a", "1", 0400}}, 1234).ok());
  struct stat st;
  ASSERT_EQ(::stat((v + "/d/a").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 1234U);
  EXPECT_EQ(st.st_mode & 07777, 0440U);
  ASSERT_EQ(::stat((v + "/d").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 1234U);
  EXPECT_EQ(st.st_mode & 07777, 02755U);
}

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
