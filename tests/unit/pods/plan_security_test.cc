#include "pods/plan_security.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "pods/launch.h"
#include "pods/relabel.h"
#include "runtime/container.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

using Words = std::vector<std::string>;

bool Has(const Words& list, const char* word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

TEST(EffectiveCapabilities, AddAndDrop) {
  const Words& standard = runtime::DefaultCapabilities();
  auto make = [](Words add, Words drop) {
    kube::SecurityContext s;
    s.capabilities = kube::Capabilities{std::move(add), std::move(drop)};
    return EffectiveCapabilities(s);
  };
  EXPECT_EQ(EffectiveCapabilities({}), standard);
  EXPECT_EQ(make({}, {"ALL"}), Words{});
  EXPECT_EQ(make({}, {"all"}), Words{});
  EXPECT_EQ(make({"NET_BIND_SERVICE"}, {"ALL"}), Words{"CAP_NET_BIND_SERVICE"});
  EXPECT_EQ(make({"CAP_NET_ADMIN"}, {"ALL"}), Words{"CAP_NET_ADMIN"});
  EXPECT_EQ(make({"net_admin"}, {"ALL"}), Words{"CAP_NET_ADMIN"});
  EXPECT_EQ(make({"ALL"}, {}), runtime::AllCapabilities());
  EXPECT_TRUE(Has(make({"NET_ADMIN"}, {}), "CAP_NET_ADMIN"));
  EXPECT_FALSE(Has(make({}, {"CHOWN"}), "CAP_CHOWN"));
  EXPECT_FALSE(Has(make({"ALL"}, {"CAP_CHOWN"}), "CAP_CHOWN"));
  kube::SecurityContext privileged;
  privileged.privileged = true;
  EXPECT_EQ(EffectiveCapabilities(privileged), runtime::AllCapabilities());
}

constexpr const char* kNone = "{}";
constexpr const char* kDefault = R"J({"appArmorProfile":{"type":"RuntimeDefault"}})J";
constexpr const char* kUnconfined = R"J({"appArmorProfile":{"type":"Unconfined"}})J";
constexpr const char* kLocal =
    R"J({"appArmorProfile":{"type":"Localhost","localhostProfile":"web"}})J";
constexpr const char* kAbsent =
    R"J({"appArmorProfile":{"type":"Localhost","localhostProfile":"absent"}})J";

struct AppArmorCase {
  const char *pod, *container, *annotation;
  std::string profile;
  Blocked blocked = {};
};

Plan PlanFor(const AppArmorCase& c, const runtime::AppArmorHost& host) {
  FakeMachine m;
  m.images["app"] = {{"Cmd", {"run"}}};
  Json annotations = Json::object();
  if (*c.annotation != 0) annotations[StrCat(kube::kAppArmorAnnotation, "main")] = c.annotation;
  Json main = {{"name", "main"}, {"image", "app"}, {"securityContext", Json::parse(c.container)}};
  Json pod = {
      {"metadata", {{"name", "web"}, {"namespace", "shop"}, {"annotations", annotations}}},
      {"spec", {{"securityContext", Json::parse(c.pod)}, {"containers", Json::array({main})}}}};
  Lookups lookups = m.lookups();
  lookups.apparmor = [&] { return host; };
  return MakePlan(kube::DecodePod(pod), lookups);
}

TEST(AppArmor, OnAMachineThatHasIt) {
  const runtime::AppArmorHost host{true, true, {"web", "kpod-default"}};
  const Blocked missing = {
      "CreateContainerError",
      "failed to generate apparmor spec opts: apparmor profile not found absent"};
  const char* privileged = R"J({"privileged":true,"appArmorProfile":{"type":"RuntimeDefault"}})J";
  for (const AppArmorCase& c : {
           AppArmorCase{kNone, kNone, "", ""},
           AppArmorCase{kDefault, kNone, "", "kpod-default"},
           AppArmorCase{kDefault, privileged, "", ""},
           AppArmorCase{kDefault, kUnconfined, "", ""},
           AppArmorCase{kUnconfined, kDefault, "", "kpod-default"},
           AppArmorCase{kNone, kLocal, "", "web"},
           AppArmorCase{kNone, kAbsent, "", "absent", missing},
           AppArmorCase{kNone, kNone, "runtime/default", "kpod-default"},
           AppArmorCase{kNone, kNone, "localhost/web", "web"},
           AppArmorCase{kLocal, kNone, "unconfined", ""},
           AppArmorCase{kNone, kUnconfined, "localhost/web", ""},
       }) {
    Plan plan = PlanFor(c, host);
    EXPECT_EQ(plan.blocked.reason, "");
    EXPECT_EQ(plan.containers[0].apparmor, c.profile) << c.pod << c.container << c.annotation;
    EXPECT_EQ(plan.containers[0].blocked.reason, c.blocked.reason);
    EXPECT_EQ(plan.containers[0].blocked.message, c.blocked.message);
  }
  // Where the list cannot be read the kernel decides.
  EXPECT_EQ(PlanFor({kNone, kAbsent, "", ""}, {true, false, {}}).containers[0].blocked.reason, "");
}

TEST(AppArmor, OnAMachineWithoutIt) {
  const Blocked refused = {"AppArmor",
                           "Cannot enforce AppArmor: AppArmor is not enabled on the host"};
  for (const AppArmorCase& c : {
           AppArmorCase{kNone, kNone, "", ""},
           AppArmorCase{kUnconfined, kNone, "", ""},
           AppArmorCase{kNone, kNone, "unconfined", ""},
           AppArmorCase{kDefault, kUnconfined, "", ""},
           AppArmorCase{kDefault, kNone, "", "", refused},
           AppArmorCase{kNone, kLocal, "", "", refused},
           AppArmorCase{kNone, kNone, "localhost/web", "", refused},
       }) {
    Plan plan = PlanFor(c, {});
    EXPECT_EQ(plan.containers[0].apparmor, "");
    EXPECT_EQ(plan.blocked.reason, c.blocked.reason) << c.pod << c.container << c.annotation;
    EXPECT_EQ(plan.blocked.message, c.blocked.message);
  }
}

Plan WithSelinux(bool on, const char* pod, const char* container) {
  FakeMachine m;
  m.images["app"] = {{"Cmd", {"run"}}};
  Json mounts = Json::array({{{"name", "own"}, {"mountPath", "/own"}},
                             {{"name", "path"}, {"mountPath", "/path"}},
                             {{"name", "path"}, {"mountPath", "/shared:z"}},
                             {{"name", "path"}, {"mountPath", "/private:Z"}}});
  Json main = {{"name", "main"},
               {"image", "app"},
               {"volumeMounts", mounts},
               {"securityContext", Json::parse(container)}};
  Json volumes = Json::array({{{"name", "own"}, {"emptyDir", Json::object()}},
                              {{"name", "path"}, {"hostPath", {{"path", "/srv"}}}}});
  Lookups lookups = m.lookups();
  lookups.selinux = [=] { return on; };
  Json object = {{"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                 {"spec",
                  {{"securityContext", Json::parse(pod)},
                   {"volumes", volumes},
                   {"containers", Json::array({main})}}}};
  return MakePlan(kube::DecodePod(object), lookups);
}

std::string LabelsIn(const Plan& plan) {
  store::Paths paths;
  paths.root = "/root-of-kpod";
  paths.run = "/run-of-kpod";
  const ContainerPlan& c = plan.containers[0];
  runtime::Spec spec = SpecFor(paths, plan, c, {});
  EXPECT_EQ(spec.process.selinux_label, c.selinux_label);
  EXPECT_EQ(spec.mount_label, c.file_label);
  std::string out;
  for (const auto& [path, label] : LabelsOfMounts(paths, plan, c, spec)) {
    if (!path.starts_with(PodMemory(paths, plan)))
      out += StrCat(path, " ", label.substr(label.rfind("_t:") + 3), "\n");
  }
  return out;
}

TEST(Selinux, OfContainersAndTheirVolumes) {
  const std::string own = "/root-of-kpod/pods/shop_web/volumes/own ";
  constexpr const char* kLevel = R"J({"seLinuxOptions":{"level":"s0:c1,c2"}})J";
  constexpr const char* kType = R"J({"seLinuxOptions":{"type":"spc_t"}})J";
  Plan plan = WithSelinux(true, kLevel, kNone);
  EXPECT_EQ(plan.containers[0].selinux_label, "system_u:system_r:container_t:s0:c1,c2");
  EXPECT_EQ(LabelsIn(plan), own + "s0:c1,c2\n/srv s0\n/srv s0:c1,c2\n");
  plan = WithSelinux(true, kLevel, kType);
  EXPECT_EQ(plan.containers[0].selinux_label, "system_u:system_r:spc_t:s0");
  plan = WithSelinux(true, kNone, kNone);
  EXPECT_EQ(plan.containers[0].selinux_label, "");
  EXPECT_EQ(LabelsIn(plan), "/srv s0\n/srv s0\n");
  plan = WithSelinux(true, kLevel, R"J({"privileged":true})J");
  EXPECT_EQ(plan.containers[0].selinux_label, "");
  plan = WithSelinux(false, kLevel, kType);
  EXPECT_EQ(plan.containers[0].selinux_label, "");
  EXPECT_EQ(LabelsIn(plan), "");
}

}  // namespace
}  // namespace kpod::pods
