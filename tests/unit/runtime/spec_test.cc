#include "runtime/spec.h"

#include <gtest/gtest.h>

#include "runtime/container.h"

namespace kpod::runtime {
namespace {

// What `runc spec` writes, shortened in its lists only.
constexpr const char* kRuncSpec = R"({
  "ociVersion": "1.2.0",
  "process": {
    "terminal": true, "user": {"uid": 0, "gid": 0}, "args": ["sh"],
    "env": ["PATH=/usr/bin:/bin", "TERM=xterm"], "cwd": "/",
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "runc",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}
  ],
  "linux": {
    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}, {"type": "cgroup"}],
    "maskedPaths": ["/proc/acpi"], "readonlyPaths": ["/proc/bus"]
  }
})";

Result<Spec> Parse(const std::string& text) {
  Result<Json> json = ParseJson(text, "config.json");
  if (!json) return std::move(json.error());
  return ParseSpec(*json);
}

TEST(SpecTest, ParsesWhatRuncWrites) {
  Result<Spec> s = Parse(kRuncSpec);
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_TRUE(s->process.terminal);
  EXPECT_EQ(s->process.args, std::vector<std::string>{"sh"});
  EXPECT_TRUE(s->root_readonly);
  EXPECT_EQ(s->mounts[1].options.back(), "size=65536k");
  EXPECT_NE(s->Find("network"), nullptr);
  EXPECT_EQ(s->Find("user"), nullptr);
  ASSERT_EQ(s->resources.devices.size(), 1u);
  EXPECT_FALSE(s->resources.devices[0].allow);
  EXPECT_EQ(s->process.rlimits[0].hard, 1024u);
  EXPECT_TRUE(s->seccomp.is_null());
}

TEST(SpecTest, RefusesWhatItDoesNotCarryOut) {
  struct Case {
    const char *json, *member;
  };
  const Case cases[] = {
      {R"({"hooks": {"prestart": [{"path": "/x"}]}})", "hooks.prestart"},
      {R"({"linux": {"intelRdt": {"closID": "a"}}})", "linux.intelRdt"},
      {R"({"linux": {"resources": {"memory": {"swappiness": 0}}}})",
       "linux.resources.memory.swappiness"},
      {R"({"linux": {"seccomp": {"listenerPath": "/s"}}})", "linux.seccomp.listenerPath"},
      {R"({"mounts": [{"destination": "/a"}, {"destination": "/b", "uidMappings": [{}]}]})",
       "mounts[].uidMappings"},
      {R"({"process": {"scheduler": {"policy": "SCHED_FIFO"}}})", "process.scheduler"},
      {R"({"hooks": {}, "linux": {"intelRdt": {}, "mountLabel": "",
           "resources": {"memory": {"disableOOMKiller": false}, "blockIO": null}}})",
       ""},
      {R"({"linux": [1], "mounts": "x", "hooks": 3})", ""},
      {"7", ""},
  };
  for (const Case& c : cases) {
    Result<Json> json = ParseJson(c.json, "x");
    ASSERT_TRUE(json.ok()) << c.json;
    EXPECT_EQ(UnsupportedMember(*json), c.member) << c.json;
  }
  Result<Spec> s = Parse(R"({"ociVersion": "1.0.2", "hooks": {"poststop": [{"path": "/x"}]}})");
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().message(), "hooks.poststop: not supported");
}

Spec Full() {
  Spec s;
  s.root_path = "/r";
  s.root_readonly = true;
  s.hostname = "h";
  s.domainname = "d";
  Process& p = s.process;
  p.terminal = true;
  p.rows = 24;
  p.columns = 80;
  p.user = {1, 2, 077, {3, 4}};
  p.args = {"a", "b"};
  p.env = {"A=b"};
  p.cwd = "/w";
  p.capabilities = {{"CAP_KILL"}, {"CAP_CHOWN"}, {"CAP_FOWNER"}, {"CAP_MKNOD"}, {"CAP_SETUID"}};
  p.rlimits = {{"RLIMIT_CORE", 1, 18446744073709551615u}};
  p.no_new_privileges = true;
  p.apparmor_profile = "ap";
  p.selinux_label = "se";
  p.oom_score_adj = -5;
  s.mounts = {{"/m", "bind", "/src", {"rbind", "ro"}}};
  s.namespaces = {{"pid", ""}, {"network", "/proc/1/ns/net"}, {"user", ""}};
  s.uid_mappings = {{0, 100000, 65536}};
  s.gid_mappings = {{0, 200000, 65536}};
  s.devices = {{"/dev/x", "c", 10, 20, 0660, 1, 2}};
  Resources& r = s.resources;
  r.memory_limit = 1;
  r.memory_reservation = 2;
  r.memory_swap = -1;
  r.cpu_shares = 3;
  r.cpu_period = 4;
  r.cpu_quota = -1;
  r.cpuset_cpus = "0";
  r.cpuset_mems = "0";
  r.pids_limit = 5;
  r.devices = {{true, "b", 8, std::nullopt, "r"}};
  r.hugepages = {{"2MB", 6}};
  r.unified = {{"memory.high", "7"}};
  s.cgroups_path = "/cg";
  s.sysctl = {{"net.core.somaxconn", "9"}};
  s.masked_paths = {"/proc/kcore"};
  s.readonly_paths = {"/proc/sys"};
  s.rootfs_propagation = "rslave";
  s.mount_label = "u:r:t:s0:c1,c2";
  s.seccomp = {{"defaultAction", "SCMP_ACT_ALLOW"}};
  s.annotations = {{"k", "v"}};
  return s;
}

TEST(SpecTest, RoundTripsEveryField) {
  Json once = ToJson(Full());
  Result<Spec> parsed = ParseSpec(once);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(Dump(ToJson(*parsed), 1), Dump(once, 1));
  // And nothing was lost on the first way already.
  for (const char* word : {"domainname",   "consoleSize",       "umask",       "additionalGids",
                           "ambient",      "rlimits",           "oomScoreAdj", "apparmorProfile",
                           "selinuxLabel", "gidMappings",       "fileMode",    "reservation",
                           "swap",         "hugepageLimits",    "unified",     "cpus",
                           "sysctl",       "rootfsPropagation", "seccomp",     "annotations",
                           "cgroupsPath",  "mountLabel"}) {
    EXPECT_NE(Dump(once).find(word), std::string::npos) << word;
  }
}

TEST(SpecTest, WritesTheDefaultProfileInFull) {
  Spec s = Full();
  s.seccomp = nullptr;
  s.default_seccomp = true;
  Json j = ToJson(s);
  EXPECT_EQ(StringAt(At(At(j, "linux"), "seccomp"), "defaultAction"), "SCMP_ACT_ERRNO");
}

struct Refusal {
  const char* text;
  const char* place;
};
class SpecRefusal : public ::testing::TestWithParam<Refusal> {};
TEST_P(SpecRefusal, NamesThePlace) {
  Result<Spec> s = Parse(GetParam().text);
  ASSERT_FALSE(s.ok()) << GetParam().text;
  EXPECT_NE(s.error().message().find(GetParam().place), std::string::npos) << s.error().message();
}
INSTANTIATE_TEST_SUITE_P(
    All, SpecRefusal,
    ::testing::Values(
        Refusal{"[]", "not an object"}, Refusal{R"({"ociVersion":"2.0"})", "ociVersion"},
        Refusal{R"({"process":{"args":"sh"}})", "process.args"},
        Refusal{R"({"process":{"args":[1]}})", "process.args"},
        Refusal{R"({"process":{"user":{"uid":-1}}})", "process.user.uid"},
        Refusal{R"({"process":{"user":{"uid":4294967296}}})", "process.user.uid"},
        Refusal{R"({"process":{"user":{"additionalGids":[-1]}}})", "additionalGids"},
        Refusal{R"({"process":{"cwd":"tmp"}})", "process.cwd"},
        Refusal{R"({"process":{"args":["a\u0000b"]}})", "process.args"},
        Refusal{R"({"process":{"rlimits":[{"type":"RLIMIT_CPU","soft":1.5}]}})", "rlimits[0].soft"},
        Refusal{R"({"mounts":{}})", "mounts"},
        Refusal{R"({"linux":{"namespaces":[{"type":"space"}]}})", "linux.namespaces[0].type"},
        Refusal{R"({"linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}})", "given twice"},
        Refusal{R"({"linux":{"resources":{"memory":{"limit":"1Gi"}}}})", "memory.limit"},
        Refusal{R"({"linux":7})", "linux"}));

}  // namespace
}  // namespace kpod::runtime
