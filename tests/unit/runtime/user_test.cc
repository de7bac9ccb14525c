#include <gtest/gtest.h>

#include "runtime/container.h"

namespace kpod::runtime {
namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "nginx:x:101:102:nginx:/var/cache/nginx:/sbin/nologin\n"
    "1000:x:77:77:a name of digits:/digits:/bin/sh\n";
constexpr const char* kGroup = "root:x:0:\nwww:x:33:nginx,root\nnginx:x:102:\nmail:x:8:nginx\n";

std::string Read(const std::string& path) {
  if (path == "/etc/passwd") return kPasswd;
  return path == "/etc/group" ? kGroup : "";
}

struct Case {
  const char* user;
  uint32_t uid, gid;
  std::vector<uint32_t> groups;
  const char* home;
};

TEST(ResolveUserTest, Table) {
  const Case cases[] = {
      {"", 0, 0, {33}, "/root"},
      {"root", 0, 0, {33}, "/root"},
      {"0", 0, 0, {33}, "/root"},
      {"nginx", 101, 102, {33, 8}, "/var/cache/nginx"},
      {"101", 101, 102, {33, 8}, "/var/cache/nginx"},
      {"nginx:www", 101, 33, {}, "/var/cache/nginx"},
      {"nginx:5", 101, 5, {}, "/var/cache/nginx"},
      {"4242", 4242, 0, {}, "/"},
      {"4242:4243", 4242, 4243, {}, "/"},
      {"1000", 77, 77, {}, "/digits"},
  };
  for (const Case& c : cases) {
    Result<ResolvedUser> u = ResolveUser(c.user, Read);
    ASSERT_TRUE(u.ok()) << c.user << ": " << u.error().message();
    EXPECT_EQ(u->uid, c.uid) << c.user;
    EXPECT_EQ(u->gid, c.gid) << c.user;
    EXPECT_EQ(u->additional_gids, c.groups) << c.user;
    EXPECT_EQ(u->home, c.home) << c.user;
  }
}

TEST(ResolveUserTest, Refuses) {
  for (const char* user : {"nobody", "nginx:none", "-1", "4294967295", "99999999999"}) {
    EXPECT_FALSE(ResolveUser(user, Read).ok()) << user;
  }
}

TEST(ResolveUserTest, AnImageWithoutFiles) {
  auto none = [](const std::string&) { return std::string(); };
  Result<ResolvedUser> u = ResolveUser("1:2", none);
  ASSERT_TRUE(u.ok());
  EXPECT_EQ(u->uid, 1u);
  EXPECT_EQ(u->gid, 2u);
  EXPECT_FALSE(ResolveUser("nginx", none).ok());
}

}  // namespace
}  // namespace kpod::runtime
