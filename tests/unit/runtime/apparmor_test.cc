#include "runtime/apparmor.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::runtime {
namespace {

class AppArmor : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-apparmor-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    sys_ = name;
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(sys_).ok()); }
  void Put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(MakeDirs(Dirname(StrCat(sys_, path))).ok());
    ASSERT_TRUE(WriteFileOnce(StrCat(sys_, path), text).ok());
  }
  std::string sys_;
};

TEST_F(AppArmor, NotThere) {
  EXPECT_FALSE(ReadAppArmorHost(sys_).enabled);
  Put("/module/apparmor/parameters/enabled", "N\n");
  EXPECT_FALSE(ReadAppArmorHost(sys_).enabled);
  EXPECT_TRUE(LoadDefaultAppArmorProfile(ReadAppArmorHost(sys_)).ok());
}

TEST_F(AppArmor, There) {
  Put("/module/apparmor/parameters/enabled", "Y\n");
  AppArmorHost host = ReadAppArmorHost(sys_);
  EXPECT_TRUE(host.enabled);
  EXPECT_FALSE(host.profiles_known);
  Put("/kernel/security/apparmor/profiles",
      "kpod-default (enforce)\n/usr/bin/man (complain)\nhas (brackets) inside (kill)\n"
      "no mode\n (enforce)\n");
  host = ReadAppArmorHost(sys_);
  EXPECT_TRUE(host.profiles_known);
  EXPECT_EQ(host.profiles,
            (std::vector<std::string>{"kpod-default", "/usr/bin/man", "has (brackets) inside"}));
  EXPECT_TRUE(host.Has("/usr/bin/man"));
  EXPECT_FALSE(host.Has("usr"));
  EXPECT_TRUE(LoadDefaultAppArmorProfile(host).ok());  // it is loaded
}

TEST(AppArmorPolicy, NamesItself) {
  EXPECT_TRUE(Contains(DefaultAppArmorPolicy(), StrCat("profile ", kDefaultAppArmorProfile, " ")));
}

}  // namespace
}  // namespace kpod::runtime
