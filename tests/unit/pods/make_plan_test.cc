#include "pods/make_plan.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "runtime/container.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

using Words = std::vector<std::string>;

TEST(MakePlan, CommandAndArgsOverEntrypointAndCmd) {
  FakeMachine m;
  m.images["app"] = Json::parse(R"J({"Entrypoint":["entry","-e"],"Cmd":["cmd"]})J");
  struct Case {
    const char* container;
    Words want;
  };
  for (const Case& c :
       {Case{"{}", {"entry", "-e", "cmd"}},
        Case{R"J({"args":["a","b"]})J", {"entry", "-e", "a", "b"}},
        Case{R"J({"command":["c"]})J", {"c"}},
        Case{R"J({"command":["c"],"args":["a"]})J", {"c", "a"}},
        Case{R"J({"command":[],"args":[]})J", {"entry", "-e", "cmd"}},
        Case{R"J({"args":["$(V)","$$(V)","$(W)"],"env":[{"name":"V","value":"v"}]})J",
             {"entry", "-e", "v", "$(V)", "$(W)"}}}) {
    EXPECT_EQ(m.Container(c.container).argv, c.want) << c.container;
  }
  m.images["app"] = Json::object();
  EXPECT_EQ(m.Container().blocked.reason, "CreateContainerError");
}

TEST(MakePlan, WorkingDirectory) {
  FakeMachine m;
  m.images["app"] = Json::parse(R"J({"Cmd":["x"],"WorkingDir":"/srv"})J");
  EXPECT_EQ(m.Container().cwd, "/srv");
  EXPECT_EQ(m.Container(R"J({"workingDir":"/data"})J").cwd, "/data");
  m.images["app"] = Json::parse(R"J({"Cmd":["x"]})J");
  EXPECT_EQ(m.Container().cwd, "/");
}

TEST(MakePlan, Users) {
  struct Case {
    const char *image_user, *pod, *container;
    uint32_t uid, gid;
    std::vector<uint32_t> groups;
  };
  for (const Case& c :
       {Case{"", "{}", "{}", 0, 0, {0}}, Case{"web", "{}", "{}", 101, 102, {102, 300, 301}},
        Case{"101", "{}", "{}", 101, 102, {102, 300, 301}},
        Case{"web:logs", "{}", "{}", 101, 300, {300}},
        Case{"1500:1600", "{}", "{}", 1500, 1600, {1600}},
        Case{"web", R"J({"runAsUser":1000})J", "{}", 1000, 0, {0}},
        Case{"",
             R"J({"runAsUser":1000,"runAsGroup":3000})J",
             R"J({"runAsUser":2000})J",
             2000,
             3000,
             {3000}},
        Case{"", R"J({"runAsGroup":3000})J", R"J({"runAsGroup":0})J", 0, 0, {0}},
        Case{"", R"J({"runAsUser":101})J", "{}", 101, 102, {102, 300, 301}},
        Case{"web",
             R"J({"supplementalGroupsPolicy":"Merge","supplementalGroups":[5]})J",
             "{}",
             101,
             102,
             {5, 102, 300, 301}},
        Case{"web",
             R"J({"supplementalGroupsPolicy":"Strict","supplementalGroups":[5],"fsGroup":6})J",
             "{}",
             101,
             102,
             {5, 6, 102}},
        Case{"", R"J({"supplementalGroups":[7,5],"fsGroup":6})J", "{}", 0, 0, {0, 5, 6, 7}},
        // The tutorial on security contexts of Kubernetes' documentation.
        Case{"",
             R"J({"runAsUser":1000,"runAsGroup":3000,"fsGroup":2000,"supplementalGroups":[4000]})J",
             "{}",
             1000,
             3000,
             {2000, 3000, 4000}},
        Case{"web",
             R"J({"supplementalGroups":[300],"fsGroup":300})J",
             "{}",
             101,
             102,
             {102, 300, 301}}}) {
    FakeMachine m;
    m.images["app"] = {{"Cmd", {"x"}}, {"User", c.image_user}};
    ContainerPlan p = m.Container(std::string(R"J({"securityContext":)J") + c.container + "}",
                                  std::string(R"J({"securityContext":)J") + c.pod + "}");
    EXPECT_EQ(p.uid, c.uid) << c.image_user << c.pod << c.container;
    EXPECT_EQ(p.gid, c.gid) << c.image_user << c.pod << c.container;
    EXPECT_EQ(p.groups, c.groups) << c.image_user << c.pod << c.container;
  }
}

TEST(MakePlan, NonRootInTheKubeletsWords) {
  const std::string where = " (pod: \"web_shop(u-1)\", container: main)";
  struct Case {
    const char *image_user, *pod, *container;
    std::string want;
  };
  for (const Case& c : {Case{"", R"J({"runAsNonRoot":true})J", "{}",
                             "container has runAsNonRoot and image will run as root" + where},
                        Case{"0:5", "{}", R"J({"runAsNonRoot":true})J",
                             "container has runAsNonRoot and image will run as root" + where},
                        Case{"web", R"J({"runAsNonRoot":true})J", "{}",
                             "container has runAsNonRoot and image has non-numeric user (web), "
                             "cannot verify user is non-root" +
                                 where},
                        Case{"101", R"J({"runAsNonRoot":true})J", "{}", ""},
                        Case{"web", R"J({"runAsNonRoot":true,"runAsUser":5})J", "{}", ""},
                        Case{"", R"J({"runAsNonRoot":true})J", R"J({"runAsNonRoot":false})J", ""},
                        Case{"", R"J({"runAsUser":0})J", R"J({"runAsNonRoot":true})J",
                             "container's runAsUser breaks non-root policy" + where}}) {
    FakeMachine m;
    m.images["app"] = {{"Cmd", {"x"}}, {"User", c.image_user}};
    Blocked b = m.Container(std::string(R"J({"securityContext":)J") + c.container + "}",
                            std::string(R"J({"securityContext":)J") + c.pod + "}")
                    .blocked;
    EXPECT_EQ(b.message, c.want) << c.image_user << c.pod << c.container;
    EXPECT_EQ(b.reason, c.want.empty() ? "" : "CreateContainerConfigError");
  }
}

TEST(MakePlan, SecurityOfPodAndContainer) {
  FakeMachine m;
  ContainerPlan c = m.Container();
  EXPECT_EQ(c.seccomp, "default");
  EXPECT_FALSE(c.no_new_privileges || c.read_only_root || c.privileged || c.unmasked_proc);
  c = m.Container(
      R"J({"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true}})J",
      R"J({"securityContext":{"seccompProfile":{"type":"Unconfined"}}})J");
  EXPECT_TRUE(c.no_new_privileges && c.read_only_root);
  EXPECT_EQ(c.seccomp, "unconfined");
  c = m.Container(
      R"J({"securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"a.json"}}})J",
      R"J({"securityContext":{"seccompProfile":{"type":"Unconfined"}}})J");
  EXPECT_EQ(c.seccomp, "a.json");
  c = m.Container(R"J({"securityContext":{"privileged":true}})J");
  EXPECT_TRUE(c.privileged && c.unmasked_proc);
  EXPECT_EQ(c.seccomp, "unconfined");
}

TEST(MakePlan, ResourcesAreNumbersAndRequestsDefaultToLimits) {
  FakeMachine m;
  ContainerPlan c = m.Container(R"J({"resources":{"limits":{"memory":"64Mi","cpu":"1.5"}}})J");
  EXPECT_EQ(c.memory_limit, 64 << 20);
  EXPECT_EQ(c.memory_request, 64 << 20);
  EXPECT_EQ(c.cpu_milli_limit, 1500);
  EXPECT_EQ(c.cpu_milli_request, 1500);
  c = m.Container(R"J({"resources":{"requests":{"memory":"1G","cpu":"250m"}}})J");
  EXPECT_EQ(c.memory_limit, std::nullopt);
  EXPECT_EQ(c.memory_request, 1000000000);
  EXPECT_EQ(c.cpu_milli_request, 250);
}

TEST(MakePlan, Names) {
  FakeMachine m;
  struct Case {
    const char* spec;
    std::string hostname, fqdn;
  };
  for (const Case& c :
       {Case{"{}", "web", ""}, Case{R"J({"hostname":"h"})J", "h", ""},
        Case{R"J({"hostname":"h","subdomain":"s"})J", "h", "h.s.shop.svc.cluster.local"},
        Case{R"J({"subdomain":"s","setHostnameAsFQDN":true})J", "web.s.shop.svc.cluster.local",
             "web.s.shop.svc.cluster.local"},
        Case{R"J({"hostNetwork":true})J", "node-1", ""}}) {
    Plan p = m.Make("{}", c.spec);
    EXPECT_EQ(p.hostname, c.hostname) << c.spec;
    EXPECT_EQ(p.fqdn, c.fqdn) << c.spec;
    EXPECT_EQ(p.blocked.reason, "") << c.spec;
  }
  Plan p = m.Make("{}", R"J({"hostname":")J" + std::string(50, 'h') +
                            R"J(","subdomain":"s","setHostnameAsFQDN":true})J");
  EXPECT_NE(p.blocked.message.find("is too long (64 characters is the max"), std::string::npos);
}

TEST(MakePlan, MountsInAnOrderThatNests) {
  FakeMachine m;
  ContainerPlan c = m.Container(
      R"J({"env":[{"name":"V","value":"sub"}],
          "volumeMounts":[{"name":"e","mountPath":"/a/b/c"},{"name":"c","mountPath":"/a/"},
                          {"name":"e","mountPath":"/a/b","subPathExpr":"x/$(V)"
},{"name":"e","mountPath":"/z","readOnly":true}]
})J",
      R"J({"volumes":[{"name":"e","emptyDir":{}},{"name":"c","configMap":{"name":"m","optional":true}}]})J");
  ASSERT_EQ(c.mounts.size(), 4U);
  EXPECT_EQ(c.mounts[0].path, "/a");
  EXPECT_TRUE(c.mounts[0].read_only);  // a payload is never written by a container
  EXPECT_EQ(c.mounts[1].path, "/z");
  EXPECT_TRUE(c.mounts[1].read_only);
  EXPECT_EQ(c.mounts[2].path, "/a/b");
  EXPECT_EQ(c.mounts[2].sub_path, "x/sub");
  EXPECT_EQ(c.mounts[3].path, "/a/b/c");
}

TEST(MakePlan, SubPathExprMustResolveAndStay) {
  for (const char* expr : {"$(NO)", "../x", "$(UP)/x", "$(ABS)"}) {
    FakeMachine m;
    ContainerPlan c = m.Container(
        std::string(R"J({"env":[{"name":"UP","value":".."},{"name":"ABS","value":"/etc"}],
          "volumeMounts":[{"name":"e","mountPath":"/a","subPathExpr":")J") +
            expr + R"J("}]})J",
        R"J({"volumes":[{"name":"e","emptyDir":{}}]})J");
    EXPECT_EQ(c.blocked.reason, "CreateContainerConfigError") << expr;
  }
}

TEST(MakePlan, VolumesThatLeadNowhereBlockThePod) {
  struct Case {
    const char *volume, *want;
  };
  for (const Case& c :
       {Case{R"J({"name":"v","configMap":{"name":"no"}})J", "configmap \"no\" not found"},
        Case{R"J({"name":"v","secret":{"secretName":"no"}})J", "secret \"no\" not found"},
        Case{R"J({"name":"v","persistentVolumeClaim":{"claimName":"no"}})J",
             "persistentvolumeclaim \"no\" not found"},
        Case{R"J({"name":"v","secret":{"secretName":"no","optional":true}})J", ""},
        Case{R"J({"name":"v","persistentVolumeClaim":{"claimName":"yes"}})J", ""},
        Case{R"J({"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{}}}})J",
             "PVC shop/web-v was not created for pod shop/web (pod is not owner)"},
        Case{R"J({"name":"v","hostPath":{"path":"/x"}})J", ""}, Case{R"J({"name":"v"})J", ""}}) {
    FakeMachine m;
    m.claims["yes"] = m.claims["web-v"] = {};
    Plan p = m.Make("{}", std::string(R"J({"volumes":[)J") + c.volume + "]}");
    EXPECT_EQ(p.blocked.message, c.want) << c.volume;
  }
}

TEST(MakePlan, AMissingImageBlocksTheContainerAndNothingElse) {
  FakeMachine m;
  Plan p =
      m.Make(R"J({"image":"gone","volumeMounts":[{"name":"e","mountPath":"/a"}]})J",
             R"J({"volumes":[{"name":"e","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}}]})J");
  EXPECT_EQ(p.containers[0].blocked.reason, "ErrImagePull");
  EXPECT_EQ(p.containers[0].mounts.size(), 1U);
  EXPECT_EQ(p.volumes[0].kind, VolumePlan::Kind::kMemory);
  EXPECT_EQ(p.volumes[0].size_limit, 1 << 20);
}

TEST(MakePlan, TheImageOfAVolumeBlocksWhoMountsIt) {
  const char* spec = R"J({"volumes":[{"name":"i","image":{"reference":"data"}}],"containers":[
      {"name":"a","image":"app","volumeMounts":[{"name":"i","mountPath":"/i"}]},
      {"name":"b","image":"app"}]})J";
  FakeMachine m;
  Plan p = m.Make("{}", spec);
  EXPECT_EQ(p.containers[0].blocked.reason, "ErrImagePull");
  EXPECT_EQ(p.containers[0].blocked.image, "data");
  EXPECT_EQ(p.containers[1].blocked.reason + p.blocked.reason, "");
  m.images["data"] = Json::object();
  p = m.Make("{}", spec);
  EXPECT_EQ(p.containers[0].blocked.reason, "");
  EXPECT_TRUE(p.containers[0].mounts[0].read_only);
  EXPECT_EQ(p.volumes[0].layers.size(), 2U);
  EXPECT_EQ(p.volumes[0].pull_policy, "Always");  // no tag is :latest
}

TEST(SignalNumber, NamesAndNumbers) {
  struct Case {
    const char* name;
    int want;
  };
  for (const Case& c :
       {Case{"SIGTERM", SIGTERM}, Case{"TERM", SIGTERM}, Case{"sigquit", SIGQUIT}, Case{"9", 9},
        Case{"SIGWINCH", SIGWINCH}, Case{"SIGUSR1", SIGUSR1}, Case{"SIGRTMIN", SIGRTMIN},
        Case{"SIGRTMIN+3", SIGRTMIN + 3}, Case{"RTMAX-2", SIGRTMAX - 2},
        Case{"SIGRTMIN+99", SIGTERM}, Case{"0", SIGTERM}, Case{"65", SIGTERM},
        Case{"nonsense", SIGTERM}, Case{"", SIGTERM}}) {
    EXPECT_EQ(SignalNumber(c.name), c.want) << c.name;
  }
}

TEST(ShortHash, IsStableAndOfKubernetesAlphabet) {
  EXPECT_EQ(ShortHash("a"), ShortHash("a"));
  EXPECT_NE(ShortHash("a"), ShortHash("b"));
  EXPECT_EQ(ShortHash("a").size(), 10U);
  EXPECT_EQ(ShortHash("a").find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
}

// What is written is what is read, for a plan that has something in every field.
TEST(Plan, RoundTrip) {
  FakeMachine m;
  m.config_maps["m"] = {{"k", "v"}};
  Plan plan = m.Make(
      R"J({"ports":[{"name":"http","containerPort":80,"hostPort":8080,"hostIP":"127.0.0.1"}],
      "volumeMounts":[{"name":"c","mountPath":"/c","subPath":"k"}],
      "resources":{"limits":{"cpu":"1","memory":"1Mi"}},"tty":true,"stdin":true})J",
      R"J({"volumes":[{"name":"c","configMap":{"name":"m","items":[{"key":"k","path":"p","mode":256}]}}],
      "hostAliases":[{"ip":"10.0.0.1","hostnames":["a"]}],"dnsConfig":{"options":[{"name":"ndots","value":"2"}]},
      "securityContext":{"fsGroup":5,"sysctls":[{"name":"net.x","value":"1"}]}})J");
  Json written = ToJson(plan);
  Result<Plan> read = PlanFromJson(written);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(ToJson(*read), written);
  written = ToJson(plan.containers[0]);
  Result<ContainerPlan> container = ContainerPlanFromJson(written);
  ASSERT_TRUE(container.ok());
  EXPECT_EQ(ToJson(*container), written);
  for (const char* text : {"null", "{}", R"J({"name":""})J", R"J({"name":"a","env":1})J"}) {
    EXPECT_FALSE(ContainerPlanFromJson(Json::parse(text)).ok()) << text;
  }
}

TEST(Plan, WhatIsOnDiskMayBeAnything) {
  for (const char* text : {"null", "[]", "{}", R"J({"namespace":1})J",
                           R"J({"namespace":"a","name":"b","containers":{}})J",
                           R"J({"namespace":"a","name":"b","containers":[{"uid":-1}]})J",
                           R"J({"namespace":"a","name":"b","volumes":[{"kind":"nfs"}]})J",
                           R"J({"namespace":"a","name":"b","graceSeconds":1e3})J"}) {
    EXPECT_FALSE(PlanFromJson(Json::parse(text)).ok()) << text;
  }
}

}  // namespace
}  // namespace kpod::pods
