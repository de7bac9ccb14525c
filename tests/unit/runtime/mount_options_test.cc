#include "runtime/mount_options.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace kpod::runtime {
namespace {

MountOptions Parse(std::vector<std::string> words, const std::string& type = "tmpfs") {
  Result<MountOptions> o = ParseMountOptions({"/m", type, "s", std::move(words)});
  EXPECT_TRUE(o.ok());
  return o ? *o : MountOptions();
}

TEST(MountOptionsTest, Attributes) {
  struct Case {
    std::vector<std::string> words;
    uint64_t set, clear;
  };
  const Case cases[] = {
      {{}, 0, 0},
      {{"ro"}, MOUNT_ATTR_RDONLY, 0},
      {{"ro", "rw"}, 0, MOUNT_ATTR_RDONLY},
      {{"rw", "ro"}, MOUNT_ATTR_RDONLY, 0},
      {{"nosuid", "nodev", "noexec"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0},
      {{"relatime"}, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
      {{"noatime"}, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
      {{"noatime", "strictatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
      {{"nodiratime"}, MOUNT_ATTR_NODIRATIME, 0},
      {{"defaults"}, 0, 0},
  };
  for (const Case& c : cases) {
    MountOptions o = Parse(c.words);
    EXPECT_EQ(o.set, c.set) << ::testing::PrintToString(c.words);
    EXPECT_EQ(o.clear, c.clear) << ::testing::PrintToString(c.words);
    EXPECT_TRUE(o.data.empty());
  }
}

TEST(MountOptionsTest, Recursive) {
  MountOptions o = Parse({"rbind", "rro", "rnosuid"});
  EXPECT_TRUE(o.bind);
  EXPECT_TRUE(o.recursive);
  EXPECT_EQ(o.recursive_set, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(o.set, 0u);
}

TEST(MountOptionsTest, Binds) {
  EXPECT_TRUE(Parse({}, "bind").bind);
  EXPECT_FALSE(Parse({}, "bind").recursive);
  EXPECT_TRUE(Parse({"rbind"}, "none").recursive);
  EXPECT_FALSE(Parse({"mode=755"}).bind);
}

TEST(MountOptionsTest, Propagation) {
  EXPECT_EQ(Parse({"bind", "rslave"}).propagation, uint64_t{MS_SLAVE});
  EXPECT_TRUE(Parse({"bind", "rslave"}).propagation_recursive);
  EXPECT_EQ(Parse({"bind", "shared"}).propagation, uint64_t{MS_SHARED});
  EXPECT_FALSE(Parse({"bind", "shared"}).propagation_recursive);
  EXPECT_EQ(Parse({"bind"}).propagation, 0u);
}

TEST(MountOptionsTest, TheRestIsTheFileSystems) {
  MountOptions o = Parse({"nosuid", "mode=755", "size=64k", "newinstance", "sync", "tmpcopyup"});
  std::vector<std::pair<std::string, std::string>> data = {
      {"mode", "755"}, {"size", "64k"}, {"newinstance", ""}};
  EXPECT_EQ(o.data, data);
  EXPECT_EQ(o.flags, std::vector<std::string>{"sync"});
  EXPECT_TRUE(o.copy_up);
}

TEST(MountOptionsTest, Subpath) {
  MountOptions o = Parse({"rbind", "kpod.subpath=a/b=c"});
  EXPECT_TRUE(o.has_subpath);
  EXPECT_EQ(o.subpath, "a/b=c");
}

TEST(MountOptionsTest, RefusesDataForABindMount) {
  EXPECT_FALSE(ParseMountOptions({"/m", "bind", "s", {"size=1"}}).ok());
  EXPECT_FALSE(ParseMountOptions({"/m", "tmpfs", "s", {"idmap"}}).ok());
}

}  // namespace
}  // namespace kpod::runtime
