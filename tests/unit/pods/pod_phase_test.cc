#include "pods/pod_phase.h"

#include <gtest/gtest.h>

namespace kpod::pods {
namespace {

ContainerPlan Planned(const std::string& name, bool sidecar = false) {
  ContainerPlan c;
  c.name = name;
  c.sidecar = sidecar;
  return c;
}

ContainerStatus RunningOne(const std::string& name, bool ready) {
  ContainerStatus c;
  c.name = name;
  c.started = true;
  c.ready = ready;
  c.state.running = Running{1};
  return c;
}

ContainerStatus EndedOne(const std::string& name, int code) {
  ContainerStatus c;
  c.name = name;
  c.state.terminated = Terminated{code, 0, "", "", 1, 2};
  return c;
}

ContainerStatus WaitingOne(const std::string& name, bool ran = false) {
  ContainerStatus c;
  c.name = name;
  c.state.waiting = Waiting{"PodInitializing", ""};
  if (ran) c.last_state.terminated = Terminated{1, 0, "", "", 1, 2};
  return c;
}

TEST(AreInitialized, RegularOnesEndedWellAndSidecarsStarted) {
  Plan plan;
  EXPECT_TRUE(AreInitialized(plan, {}));
  plan.init_containers = {Planned("a"), Planned("proxy", true)};
  EXPECT_FALSE(AreInitialized(plan, {}));
  EXPECT_TRUE(AreInitialized(plan, {EndedOne("a", 0), RunningOne("proxy", false)}));
  EXPECT_FALSE(AreInitialized(plan, {EndedOne("a", 1), RunningOne("proxy", true)}));
  ContainerStatus starting = RunningOne("proxy", false);
  starting.started = false;
  EXPECT_FALSE(AreInitialized(plan, {EndedOne("a", 0), starting}));
}

TEST(PhaseOf, FollowsTheContainers) {
  struct Case {
    const char* what;
    bool initialized, over;
    std::vector<ContainerStatus> init, main;
    const char* want;
  };
  for (const Case& c : std::vector<Case>{
           {"still to initialize", false, false, {WaitingOne("i")}, {WaitingOne("a")}, "Pending"},
           {"init failed for good", false, true, {EndedOne("i", 1)}, {WaitingOne("a")}, "Failed"},
           {"stopped while it waited",
            false,
            true,
            {WaitingOne("i")},
            {WaitingOne("a")},
            "Pending"},
           {"one waits, none ran", true, false, {}, {WaitingOne("a")}, "Pending"},
           {"one runs", true, false, {}, {WaitingOne("a"), RunningOne("b", false)}, "Running"},
           {"back-off", true, false, {}, {WaitingOne("a", true)}, "Running"},
           {"sidecars go", true, false, {RunningOne("p", true)}, {EndedOne("a", 0)}, "Running"},
           {"all well", true, true, {EndedOne("p", 143)}, {EndedOne("a", 0)}, "Succeeded"},
           {"one failed", true, true, {}, {EndedOne("a", 0), EndedOne("b", 3)}, "Failed"},
       }) {
    PodStatus status;
    status.initialized = c.initialized;
    status.init_containers = c.init;
    status.containers = c.main;
    EXPECT_EQ(PhaseOf(status, c.over), c.want) << c.what;
  }
}

const Condition& Of(const std::vector<Condition>& conditions, const std::string& type) {
  for (const Condition& c : conditions) {
    if (c.type == type) return c;
  }
  static const Condition kNone;
  return kNone;
}

TEST(ConditionsOf, NamesWhatIsMissing) {
  Plan plan;
  plan.init_containers = {Planned("i1"), Planned("i2")};
  plan.containers = {Planned("a"), Planned("b")};
  PodStatus status;
  status.supervisor_pid = 7;
  status.phase = "Pending";
  status.init_containers = {EndedOne("i1", 0), RunningOne("i2", false)};
  status.containers = {WaitingOne("a"), WaitingOne("b")};
  auto conditions = ConditionsOf(plan, status, 100);
  EXPECT_EQ(conditions.size(), 5U);
  EXPECT_EQ(Of(conditions, "Initialized").reason, "ContainersNotInitialized");
  EXPECT_EQ(Of(conditions, "Initialized").message, "containers with incomplete status: [i2]");
  EXPECT_EQ(Of(conditions, "Ready").message, "containers with unready status: [a b]");
  EXPECT_TRUE(Of(conditions, "PodReadyToStartContainers").status);
}

TEST(ConditionsOf, KeepsTheTimeOfWhatHasNotChanged) {
  Plan plan;
  plan.containers = {Planned("a")};
  PodStatus status;
  status.phase = "Running";
  status.initialized = true;
  status.containers = {RunningOne("a", false)};
  status.conditions = ConditionsOf(plan, status, 100);
  EXPECT_FALSE(Of(status.conditions, "Ready").status);
  status.containers[0].ready = true;
  auto later = ConditionsOf(plan, status, 200);
  EXPECT_TRUE(Of(later, "Ready").status);
  EXPECT_EQ(Of(later, "Ready").transition_nanos, 200);
  EXPECT_EQ(Of(later, "Initialized").transition_nanos, 100);
}

}  // namespace
}  // namespace kpod::pods
