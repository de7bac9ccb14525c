#include "runtime/seccomp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "base/spawn.h"
#include "runtime/container.h"

namespace kpod::runtime {
namespace {

// errno of `call` under `filter`, 0 when it worked.
int Under(const SeccompFilter& filter, const std::function<long()>& call) {
  Result<Child> child = Fork([&] {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !LoadFilter(filter)) return 255;
    errno = 0;
    return call() < 0 ? errno : 0;
  });
  return child ? WaitFor(*child)->code : -1;
}

TEST(SeccompTest, DefaultProfileRefusesAndAllows) {
  Result<SeccompFilter> f = CompileFilter(DefaultSeccompProfile(DefaultCapabilities()));
  ASSERT_TRUE(f.ok()) << f.error().message();
  EXPECT_EQ(Under(*f, [] { return long{::getpid()}; }), 0);
  EXPECT_EQ(Under(*f, [] { return long{::unshare(CLONE_NEWUSER)}; }), EPERM);
  EXPECT_EQ(Under(*f, [] { return ::syscall(SYS_keyctl, 0, -3, 0); }), EPERM);
  EXPECT_EQ(Under(*f, [] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
  EXPECT_EQ(Under(*f, [] { return ::syscall(9999); }), ENOSYS);
  EXPECT_EQ(Under(*f, [] { return long{::personality(0xffffffff)}; }), 0);
  EXPECT_NE(Under(*f, [] { return long{::personality(0x0400000)}; }), 0);
  EXPECT_EQ(Under(*f, [] { return long{::socket(AF_UNIX, SOCK_STREAM, 0)}; }), 0);
  EXPECT_EQ(Under(*f, [] { return long{::socket(AF_VSOCK, SOCK_STREAM, 0)}; }), EPERM);
  EXPECT_EQ(Under(*f, [] { return ::syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, 0); }),
            EPERM);
}

TEST(SeccompTest, CapabilitiesOpenCalls) {
  Result<SeccompFilter> f = CompileFilter(DefaultSeccompProfile({"CAP_SYS_ADMIN"}));
  ASSERT_TRUE(f.ok());
  EXPECT_EQ(Under(*f, [] { return long{::unshare(CLONE_NEWUTS)}; }), ::geteuid() == 0 ? 0 : EPERM);
  EXPECT_NE(Under(*f, [] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
}

TEST(SeccompTest, UnknownCallsAreNamedAndSkipped) {
  Json profile = {{"defaultAction", "SCMP_ACT_ALLOW"}};
  profile["syscalls"] = Json::array(
      {Json{{"names", {"no_such_call", "uname"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 77}}});
  Result<SeccompFilter> f = CompileFilter(profile);
  ASSERT_TRUE(f.ok()) << f.error().message();
  EXPECT_EQ(f->unknown, std::vector<std::string>{"no_such_call"});
  EXPECT_EQ(Under(*f, [] { return ::syscall(SYS_uname, nullptr); }), 77);
}

TEST(SeccompTest, RefusesWhatItDoesNotKnow) {
  EXPECT_FALSE(CompileFilter(Json::array()).ok());
  EXPECT_FALSE(CompileFilter(Json{{"defaultAction", "SCMP_ACT_MAYBE"}}).ok());
  EXPECT_FALSE(CompileFilter(Json::object()).ok());
}

TEST(SeccompTest, TheCacheMustBeOurs) {
  char name[] = "/tmp/kpod-seccomp-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  std::string dir = name;
  Undo remove([&] { (void)RemoveAll(dir); });
  ::chmod(name, 0777);
  Json profile = {
      {"defaultAction", "SCMP_ACT_ALLOW"},
      {"syscalls", Json::array({Json{{"names", {"uname"}}, {"action", "SCMP_ACT_ERRNO"}}})}};
  EXPECT_FALSE(FindFilter(profile, false, {}, dir).ok()) << "a directory that others can write";
  ::chmod(name, 0700);
  auto found = FindFilter(profile, false, {}, dir);
  ASSERT_TRUE(found.ok()) << found.error().message();
  std::vector<std::string> files = ListDir(dir).value_or({});
  ASSERT_EQ(files.size(), 1u);
  std::string file = dir + "/" + files[0];
  std::string bytes = ReadFile(file).value_or("");
  EXPECT_NE(bytes.find("kpod seccomp"), std::string::npos);
  EXPECT_FALSE((*found)->program.empty());
}

}  // namespace
}  // namespace kpod::runtime
