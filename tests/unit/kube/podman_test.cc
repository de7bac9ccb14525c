// Podman's annotations: how they are written, what is refused, and what they make of a pod.
#include "kube/podman.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "kube/decode.h"
#include "tests/unit/kube/refusals.h"

namespace kpod::kube {
namespace {

std::string Written(const Result<std::vector<Ulimit>>& limits) {
  if (!limits) return "error: " + limits.error().message();
  std::string out;
  for (const Ulimit& u : *limits) out += StrCat(u.name, " ", u.soft, " ", u.hard, ";");
  return out;
}

TEST(Podman, Ulimits) {
  constexpr const char* kWrong = "must be NAME=SOFT[:HARD], SOFT at most HARD";
  const std::pair<const char*, std::string> kTable[] = {
      {"nofile=1024", "nofile 1024 1024;"},
      {"nofile=1:2,nproc=-1", "nofile 1 2;nproc -1 -1;"},
      {"core=0:-1", "core 0 -1;"},
      {"nofile=2:1", StrCat("error: \"nofile=2:1\": ", kWrong)},
      {"nofile=-1:1", StrCat("error: \"nofile=-1:1\": ", kWrong)},
      {"nofile", StrCat("error: \"nofile\": ", kWrong)},
      {"nofile=1:2:3", StrCat("error: \"nofile=1:2:3\": ", kWrong)},
      {"nofile=x", StrCat("error: \"nofile=x\": ", kWrong)},
      {"", "error: no limit is called \"\""},
      {"files=1", "error: no limit is called \"files\""}};
  for (const auto& [text, want] : kTable) EXPECT_EQ(Written(ParseUlimits(text)), want) << text;
}

TEST(Podman, CpuLists) {
  for (const char* good : {"0", "0-3", "0-1,4", "1,2,3"}) EXPECT_TRUE(IsCpuList(good)) << good;
  for (const char* bad : {"", "-", "a", "3-1", "1,", "1-2-3", "-1", "99999999"})
    EXPECT_FALSE(IsCpuList(bad)) << bad;
}

TEST(Podman, WhatOneIsAndOfWhom) {
  struct {
    const char* key;
    bool of_podman, known;
    const char* container;
  } const kTable[] = {{"io.podman.annotations.ulimit", true, true, ""},
                      {"io.podman.annotations.ulimit/web", true, true, "web"},
                      {"io.podman.annotations.volumes-from", true, false, ""},
                      {"io.podman.annotations.userns/web", true, false, "web"},
                      {"io.podman.annotations.invented", true, false, ""},
                      {"bind-mount-options", true, true, ""},
                      {"bind-mount-options:/data", true, true, ""},
                      {"bind-mount-optionsx", false, false, ""},
                      {"example.com/io.podman.annotations.ulimit", false, false, ""}};
  for (const auto& row : kTable) {
    std::optional<PodmanSetting> s = FindPodmanSetting(row.key);
    EXPECT_EQ(s.has_value(), row.of_podman) << row.key;
    if (!s) continue;
    EXPECT_EQ(s->annotation != nullptr, row.known) << row.key;
    EXPECT_EQ(s->container, row.container) << row.key;
  }
}

TEST(Podman, WhatTheyMakeOfAPod) {
  Json spec = Json::parse(
      R"({"volumes":[{"name":"v","emptyDir":{}},{"name":"h","hostPath":{"path":"/srv"}}],
      "containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"h","mountPath":"/h"}]},
                    {"name":"b","image":"i","volumeMounts":[{"name":"h","mountPath":"/h"}]}]})");
  Json pod = {{"metadata",
               {{"name", "p"},
                {"annotations",
                 {{"io.podman.annotations.ulimit", "nofile=10"},
                  {"io.podman.annotations.pids-limit/a", "7"},
                  {"io.podman.annotations.cpuset/b", "0"},
                  {"io.podman.annotations.memory-nodes/b", "0-1"},
                  {"io.podman.annotations.volumes-from/b", "a:ro"},
                  {"io.podman.annotations.label/a", "level:s0:c1,c2"},
                  {"io.podman.annotations.label/b", "disable"},
                  {"io.podman.annotations.userns", "auto"},
                  {"bind-mount-options:/srv", "Z"}}}}},
              {"spec", spec}};
  Pod got = DecodePod(pod);
  const Container& a = got.spec.containers[0];
  const Container& b = got.spec.containers[1];
  EXPECT_FALSE(got.spec.host_users);
  EXPECT_EQ(Written(a.ulimits), "nofile 10 10;");
  EXPECT_EQ(Written(b.ulimits), "nofile 10 10;");
  EXPECT_EQ(a.pids_limit, 7);
  EXPECT_FALSE(b.pids_limit);
  EXPECT_EQ(b.cpuset_cpus, "0");
  EXPECT_EQ(b.cpuset_mems, "0-1");
  EXPECT_EQ(a.security_context.selinux_options->level, "s0:c1,c2");
  EXPECT_EQ(b.security_context.selinux_options->type, "spc_t");
  ASSERT_EQ(b.volume_mounts.size(), 2U);  // its own at /h stays, and /v comes from a
  EXPECT_EQ(b.volume_mounts[1].mount_path, "/v");
  EXPECT_TRUE(b.volume_mounts[1].read_only);
  EXPECT_FALSE(b.volume_mounts[0].read_only);
  EXPECT_EQ(a.volume_mounts[1].relabel, "Z");
  EXPECT_EQ(a.volume_mounts[0].relabel, "");
}

TEST(Podman, TheFieldHasTheLastWordOnUsers) {
  struct {
    const char *field, *annotation;
    bool host_users;
  } const kTable[] = {{"null", "", true},       {"null", "auto", false},  {"null", "host", true},
                      {"true", "auto", true},   {"false", "host", false}, {"false", "", false},
                      {"null", "keep-id", true}};
  for (const auto& row : kTable) {
    Json pod = {{"metadata", {{"annotations", {{"io.podman.annotations.userns", row.annotation}}}}},
                {"spec", {{"hostUsers", Json::parse(row.field)}}}};
    EXPECT_EQ(DecodePod(pod).spec.host_users, row.host_users) << row.field << row.annotation;
    EXPECT_EQ(DecodePodTemplate(pod).spec.host_users, row.host_users) << row.field;
  }
}

TEST(Podman, WhatIsRefusedAndWarnedOf) {
  struct {
    const char *key, *value, *says;
  } const kTable[] = {
      {"ulimit", "nofile=x",
       "error: Invalid value: \"nofile=x\": \"nofile=x\": must be NAME=SOFT[:HARD], SOFT at most "
       "HARD"},
      {"cpuset/d", "'0'", "error: Invalid value: \"d\": container not found"},
      {"cpuset/c", "2-1", "error: Invalid value: \"2-1\": must be a list such as 0-2,7"},
      {"pids-limit/c", "many",
       "error: Invalid value: \"many\": must be a number of processes; 0 is no limit"},
      {"volumes-from/c", "'d:ro'", "error: Invalid value: \"d\": container not found"},
      {"volumes-from/c", "'c:exec'",
       "error: Invalid value: \"c:exec\": option \"exec\": there are ro, rw, z and Z"},
      {"userns", "keep-id",
       "warning: user namespace \"keep-id\" is not carried out: there are auto and host, and the "
       "pod has the host's"},
      {"label/c", "filetype:x", "warning: label \"filetype:x\" is not carried out"},
      {"init/c", "'TRUE'",
       "warning: not carried out yet: no init is put before the container's program, which is the "
       "first process "
       "itself"},
      {"invented", "x", "warning: no such annotation of Podman is known; it has no effect"},
      {"autoremove/c", "'FALSE'", ""},
      {"ulimit", "nofile=1", ""},
      {"volumes-from/c", "'c:ro,z'", ""}};
  for (const auto& row : kTable) {
    std::string key = StrCat("io.podman.annotations.", row.key);
    std::string text =
        StrCat("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    ", key, ": ",
               row.value, "\nspec: {containers: [{name: c, image: i}]}\n");
    std::string want = row.says;
    if (!want.empty()) {
      size_t colon = want.find(": ");
      want = StrCat("f:6:", 7 + key.size(), ": ", want.substr(0, colon),
                    ": Pod/p: metadata.annotations[", key, "]", want.substr(colon), "\n");
    }
    EXPECT_EQ(DiagnosticsOf(Load(text, "f"), Severity::kWarning), want);
  }
}

}  // namespace
}  // namespace kpod::kube
