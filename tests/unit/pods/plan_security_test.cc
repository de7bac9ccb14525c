#include "pods/plan_security.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
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

}  // namespace
}  // namespace kpod::pods
