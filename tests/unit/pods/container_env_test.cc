#include "pods/container_env.h"

#include <gtest/gtest.h>

#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

using Lines = std::vector<std::string>;

TEST(Expand, ReferencesAsTheKubeletExpandsThem) {
  const kube::StringMap vars = {{"A", "one"}, {"EMPTY", ""}, {"B.C-D", "odd"}, {"DOLLAR", "$(A)"}};
  struct Case {
    const char *text, *want;
  };
  for (const Case& c :
       {Case{"", ""}, Case{"plain", "plain"}, Case{"$(A)", "one"}, Case{"x$(A)y$(A)", "xoneyone"},
        Case{"$(EMPTY)|", "|"}, Case{"$(MISSING)", "$(MISSING)"}, Case{"$$(A)", "$(A)"},
        Case{"$$$(A)", "$one"}, Case{"$$$$(A)", "$$(A)"}, Case{"$", "$"}, Case{"a$", "a$"},
        Case{"$$", "$"}, Case{"$A", "$A"}, Case{"${A}", "${A}"}, Case{"$(A", "$(A"},
        Case{"$()", "$()"}, Case{"$(B.C-D)", "odd"}, Case{"$(DOLLAR)", "$(A)"},
        Case{"price: 5$ $(A)", "price: 5$ one"}}) {
    EXPECT_EQ(Expand(c.text, vars), c.want) << c.text;
  }
}

TEST(IsEnvName, AsKubernetesJudges) {
  for (const char* good : {"A", "_", "a.b", "a-b", "-a", ".a", "A1"})
    EXPECT_TRUE(IsEnvName(good)) << good;
  for (const char* bad : {"", ".", "..", "..a", "1a", "a=b", "a b", "a\tb", "\xc3\xa9"}) {
    EXPECT_FALSE(IsEnvName(bad)) << bad;
  }
}

// The image's own, then envFrom, then env; what is set later wins and stays in its place.
TEST(ContainerEnv, LayersInOrder) {
  FakeMachine m;
  m.images["app"] = Json::parse(R"J({"Cmd":["x"],"Env":["PATH=/bin","FROM=image","ONLY=image"]})J");
  m.config_maps["map"] = {{"FROM", "map"}, {"MAP", "1"}};
  m.secrets["keys"] = {{"FROM", "secret"}, {"KEY", "k"}};
  ContainerPlan c = m.Container(R"J({
    "envFrom": [{"configMapRef": {"name": "map"}}, {"secretRef": {"name": "keys"}, "prefix": "S_"},
                {"secretRef": {"name": "absent", "optional": true}}],
    "env": [{"name": "FROM", "value": "env $(MAP) $(ONLY)"
}, {"name": "LAST", "value": "$(FROM) $(S_KEY)"}]
})J");
  EXPECT_EQ(c.blocked.reason, "");
  EXPECT_EQ(c.env, (Lines{"PATH=/bin", "FROM=env 1 $(ONLY)", "ONLY=image", "HOSTNAME=web", "MAP=1",
                          "S_FROM=secret", "S_KEY=k", "LAST=env 1 $(ONLY) k", "HOME=/root"}));
}

TEST(ContainerEnv, PathAndHomeAreNeverMissing) {
  FakeMachine m;
  m.images["app"] = Json::parse(R"J({"Cmd":["x"],"User":"web"})J");
  ContainerPlan c = m.Container();
  EXPECT_EQ(c.env, (Lines{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "HOSTNAME=web", "HOME=/srv/web"}));
  EXPECT_EQ(m.Container(R"J({"env":[{"name":"HOME","value":"/x"}],"tty":true})J").env.back(),
            "HOME=/x");
}

TEST(ContainerEnv, FieldsAndResourcesOfThePodItself) {
  FakeMachine m;
  m.images["app"] = Json::parse(R"J({"Cmd":["x"],"Env":["PATH=/bin","HOME=/"]})J");
  ContainerPlan c = m.Container(R"J({"resources":{"limits":{"memory":"64Mi"}}, "env":[
    {"name":"NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
    {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
    {"name":"WHERE","value":"$(NAME) at $(IP)"},
    {"name":"MEMORY","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}}},
    {"name":"FILE","valueFrom":{"fileKeyRef":{"volumeName":"v","path":"a.env","key":"K"}}},
    {"name":"LAST","value":"$(MEMORY) $(FILE)"}], "args": ["$(WHERE)"]})J");
  EXPECT_EQ(c.blocked.reason, "");
  EXPECT_EQ(c.env, (Lines{"PATH=/bin", "HOME=/", "HOSTNAME=web", "NAME=web",
                          "IP=\x01u-1:status.podIP\x01", "WHERE=web at \x01u-1:status.podIP\x01",
                          "MEMORY=64", "FILE=\x01u-1:file:0\x01", "LAST=64 \x01u-1:file:0\x01"}));
  EXPECT_EQ(c.argv, (Lines{"web at \x01u-1:status.podIP\x01"}));
  ASSERT_EQ(c.env_files.size(), 1U);
  EXPECT_EQ(c.env_files[0].name + c.env_files[0].volume + c.env_files[0].path, "FILEva.env");
  c = m.Container(
      R"J({"env":[{"name":"A","valueFrom":{"resourceFieldRef":{"containerName":"no","resource":"limits.cpu"}}}]})J");
  EXPECT_EQ(c.blocked.message, "container no not found");
}

TEST(ContainerEnv, InvalidNamesOfEnvFromAreSkippedWithAnEvent) {
  FakeMachine m;
  m.config_maps["map"] = {{"1bad", "x"}, {"2bad", "x"}, {"good.name", "x"}};
  ContainerPlan c = m.Container(R"J({"envFrom":[{"configMapRef":{"name":"map"}}]})J");
  EXPECT_EQ(c.blocked.reason, "");
  EXPECT_NE(std::find(c.env.begin(), c.env.end(), "good.name=x"), c.env.end());
  ASSERT_EQ(m.notes.size(), 1U);
  EXPECT_EQ(m.notes[0].reason, "InvalidEnvironmentVariableNames");
  EXPECT_EQ(m.notes[0].message,
            "Keys [1bad, 2bad] from the EnvFrom configMap shop/map were skipped since they are "
            "considered "
            "invalid environment variable names.");
  m.notes.clear();
  c = m.Container(R"J({"envFrom":[{"prefix":"P_","configMapRef":{"name":"map"}}]})J");
  EXPECT_TRUE(m.notes.empty());
  EXPECT_NE(std::find(c.env.begin(), c.env.end(), "P_1bad=x"), c.env.end());
}

TEST(ContainerEnv, WhatIsMissingBlocksInKubernetesWords) {
  FakeMachine m;
  m.config_maps["map"] = {{"a", "1"}};
  m.secrets["keys"] = {{"a", "1"}};
  struct Case {
    const char *container, *want;
  };
  for (
      const Case& c :
      {Case{R"J({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"map","key":"a"}}}]})J",
            ""},
       Case{R"J({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"map","key":"b"}}}]})J",
            "couldn't find key b in ConfigMap shop/map"},
       Case{R"J({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"no","key":"b"}}}]})J",
            "configmap \"no\" not found"},
       Case{R"J({"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"keys","key":"b"}}}]})J",
            "couldn't find key b in Secret shop/keys"},
       Case{R"J({"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"no","key":"b"}}}]})J",
            "secret \"no\" not found"},
       Case{
           R"J({"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"no","key":"b","optional":true}}}]})J",
           ""},
       Case{
           R"J({"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"map","key":"b","optional":true}}}]})J",
           ""},
       Case{R"J({"envFrom":[{"configMapRef":{"name":"no"}}]})J", "configmap \"no\" not found"},
       Case{R"J({"envFrom":[{"configMapRef":{"name":"no","optional":true}}]})J", ""},
       Case{R"J({"envFrom":[{"secretRef":{"name":"no"}}]})J", "secret \"no\" not found"}}) {
    Blocked blocked = m.Container(c.container).blocked;
    EXPECT_EQ(blocked.message, c.want) << c.container;
    EXPECT_EQ(blocked.reason, *c.want == '\0' ? "" : "CreateContainerConfigError") << c.container;
  }
}

}  // namespace
}  // namespace kpod::pods
