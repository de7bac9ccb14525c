// Specifications and profiles that are almost right.
#include <gtest/gtest.h>

#include "runtime/cgroup_files.h"
#include "runtime/container.h"
#include "runtime/device_filter.h"
#include "runtime/mount_options.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"
#include "tests/unit/base/mutate.h"

namespace kpod::runtime {
namespace {

Spec Example() {
  Spec s;
  s.root_path = "/r";
  s.process.args = {"sh", "-c", "true"};
  s.process.env = {"A=b"};
  s.process.user = {1, 2, 022, {3}};
  s.process.rlimits = {{"RLIMIT_NOFILE", 1, 2}};
  s.process.capabilities.bounding = {"CAP_CHOWN"};
  s.mounts = {{"/proc", "proc", "proc", {"nosuid"}}, {"/v", "bind", "/x", {"rbind", "ro"}}};
  s.namespaces = {{"mount", ""}, {"pid", "/proc/1/ns/pid"}};
  s.uid_mappings = s.gid_mappings = {{0, 1, 2}};
  s.devices = DefaultDevices();
  s.resources.memory_limit = 1 << 20;
  s.resources.cpu_shares = 5;
  s.resources.devices = {{false, "a", std::nullopt, std::nullopt, "rwm"}, {true, "c", 1, 3, "rw"}};
  s.resources.unified["memory.high"] = "1";
  s.sysctl["net.ipv4.ip_forward"] = "1";
  s.masked_paths = {"/proc/kcore"};
  return s;
}

TEST(Fuzz, Specifications) {
  Json good = ToJson(Example());
  ASSERT_TRUE(ParseSpec(good).ok());
  testing_tools::Mutator mutator(20210519);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    Result<Spec> s = ParseSpec(mutator.Mutate(good));
    if (!s.ok()) {
      ++refused;
      EXPECT_FALSE(s.error().message().empty());
      continue;
    }
    // What was read can be worked with and written.
    for (const Mount& m : s->mounts) (void)ParseMountOptions(m);
    for (int version : {1, 2}) (void)FilesFor(s->resources, version);
    (void)DeviceProgram(s->resources.devices);
    Json again = ToJson(*s);
    Result<Spec> back = ParseSpec(again);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(Dump(ToJson(*back)), Dump(again));
  }
  EXPECT_GT(refused, 1000);
}

TEST(Fuzz, SeccompProfiles) {
  Result<Json> good = ParseJson(
      R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
          "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [
          {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
          {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 8, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
          {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]})",
      "profile");
  ASSERT_TRUE(good.ok());
  ASSERT_TRUE(CompileFilter(*good).ok());
  testing_tools::Mutator mutator(20220117);
  for (int i = 0; i < 1500; ++i) {
    Result<SeccompFilter> f = CompileFilter(mutator.Mutate(*good));
    if (f.ok()) {
      EXPECT_FALSE(f->program.empty());
    } else {
      EXPECT_FALSE(f.error().message().empty());
    }
  }
}

}  // namespace
}  // namespace kpod::runtime
