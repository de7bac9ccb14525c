#include "pods/workloads.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kpod::pods {
namespace {

Workload Standing(const std::string& name, const std::string& hash) {
  Workload w;
  w.kind = "Pod";
  w.name = name;
  w.hash = hash;
  w.remove_first = true;
  return w;
}

Workload Deployment(const std::string& hash, int replicas, bool remove_first = false) {
  Workload w;
  w.kind = "Deployment";
  w.name = "d";
  w.hash = hash;
  w.replicas = replicas;
  w.remove_first = remove_first;
  return w;
}

ObservedPod Of(const std::string& name, const std::string& hash, bool running = true,
               bool failed = false, int64_t created = 0) {
  return {name, "Deployment", "d", hash, running, failed, created};
}

// Actions as one line: "-first +create =keep ~after".
std::string Text(const Actions& a) {
  std::string out;
  for (const auto& n : a.remove_first) out += "-" + n + " ";
  for (const auto& c : a.create) out += "+" + c.name + " ";
  for (const auto& [n, w] : a.keep) out += "=" + n + " ";
  for (const auto& n : a.remove_after) out += "~" + n + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

std::string Decide(const std::vector<Workload>& w, const std::vector<ObservedPod>& pods) {
  int n = 0;
  return Text(Reconcile(w, pods, [&] { return std::to_string(n++); }));
}

TEST(Reconcile, PodsOfTheirOwn) {
  EXPECT_EQ(Decide({Standing("a", "1")}, {}), "+a");
  EXPECT_EQ(Decide({Standing("a", "1")}, {{"a", "", "", "1", true, false, 0}}), "=a");
  // It ended, or failed: a Pod is not made again by itself.
  EXPECT_EQ(Decide({Standing("a", "1")}, {{"a", "", "", "1", false, true, 0}}), "=a");
  EXPECT_EQ(Decide({Standing("a", "2")}, {{"a", "", "", "1", true, false, 0}}), "-a +a");
  EXPECT_EQ(Decide({}, {{"a", "", "", "1", true, false, 0}}), "~a");
  // The same name under another owner is another pod's.
  EXPECT_EQ(Decide({}, {}), "");
}

TEST(Reconcile, Replicas) {
  EXPECT_EQ(Decide({Deployment("h", 2)}, {}), "+d-h-0 +d-h-1");
  EXPECT_EQ(Decide({Deployment("h", 2)}, {Of("a", "h")}), "+d-h-0 =a");
  EXPECT_EQ(Decide({Deployment("h", 2)}, {Of("a", "h"), Of("b", "h")}), "=a =b");
  EXPECT_EQ(Decide({Deployment("h", 0)}, {Of("a", "h")}), "~a");
  EXPECT_EQ(Decide({Deployment("h", -1)}, {Of("a", "h")}), "~a");
  // Down: what does not run goes first, then the youngest.
  EXPECT_EQ(
      Decide({Deployment("h", 1)}, {Of("old", "h", false, false, 1), Of("a", "h", true, false, 2),
                                    Of("b", "h", true, false, 3)}),
      "=a ~b ~old");
}

TEST(Reconcile, AChangedTemplate) {
  EXPECT_EQ(Decide({Deployment("new", 1)}, {Of("a", "old")}), "+d-new-0 ~a");
  EXPECT_EQ(Decide({Deployment("new", 1, true)}, {Of("a", "old")}), "-a +d-new-0");
}

TEST(Reconcile, AFailedPodIsReplaced) {
  // A failed one is kept to be looked at.
  EXPECT_EQ(Decide({Deployment("h", 1)}, {Of("a", "h", false, true)}), "+d-h-0");
  EXPECT_EQ(Decide({Deployment("new", 1)}, {Of("a", "old", false, true)}), "+d-new-0 ~a");
}

TEST(Reconcile, TwiceIsNothingMore) {
  for (int replicas : {0, 1, 3}) {
    std::vector<ObservedPod> pods = {Of("x", "old"), Of("y", "h", false, true)};
    std::vector<Workload> w = {Deployment("h", replicas), Standing("s", "1")};
    Actions a = Reconcile(w, pods, [n = 0]() mutable { return std::to_string(n++); });
    for (const auto* removed : {&a.remove_first, &a.remove_after}) {
      for (const std::string& name : *removed)
        std::erase_if(pods, [&](const auto& p) { return p.name == name; });
    }
    for (const PodToCreate& c : a.create) {
      const Workload& of = w[c.workload];
      bool pod = of.kind == "Pod";
      pods.push_back({c.name, pod ? "" : of.kind, pod ? "" : of.name, of.hash, true, false, 0});
    }
    a = Reconcile(w, pods, [] { return "again"; });
    EXPECT_TRUE(a.create.empty() && a.remove_first.empty() && a.remove_after.empty()) << Text(a);
    EXPECT_EQ(a.keep.size(), static_cast<size_t>(replicas) + 1);
  }
}

store::StoredObject Object(const char* kind, const char* json) {
  store::StoredObject o;
  o.ns = "shop";
  o.kind = kind;
  o.object = Json::parse(json);
  o.name = o.object["metadata"]["name"];
  return o;
}

TEST(WorkloadsOf, TheHashIsOfWhatMakesItAnotherPod) {
  auto hash = [](const char* kind, const char* json) {
    return WorkloadsOf({Object(kind, json)}).at(0).hash;
  };
  const char* pod = R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x"}]}})";
  EXPECT_EQ(
      hash("Pod", pod),
      hash(
          "Pod",
          R"({"metadata":{"name":"a","labels":{"l":"1"}},"spec":{"containers":[{"image":"x","name":"c"}]}})"));
  EXPECT_NE(
      hash("Pod", pod),
      hash("Pod", R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"y"}]}})"));
  const char* one =
      R"({"metadata":{"name":"d"},"spec":{"replicas":1,"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[]}}}})";
  const char* two =
      R"({"metadata":{"name":"d"},"spec":{"replicas":2,"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[]}}}})";
  EXPECT_EQ(hash("Deployment", one), hash("Deployment", two));
}

TEST(WorkloadsOf, OfADeployment) {
  auto w = WorkloadsOf(
      {Object("Deployment", R"({"metadata":{"name":"d"},"spec":{"replicas":3,"template":{
      "metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"x","ports":[{"containerPort":1,"hostPort":2}]}]}}}})"),
       Object("ConfigMap", R"({"metadata":{"name":"m"}})")});
  ASSERT_EQ(w.size(), 1U);
  EXPECT_EQ(w[0].replicas, 3);
  EXPECT_TRUE(w[0].remove_first);  // the host port is free only once the old pod is gone
  EXPECT_EQ(w[0].pod.metadata.labels.at("pod-template-hash"), w[0].hash);
  EXPECT_EQ(w[0].pod.metadata.ns, "shop");
  EXPECT_EQ(w[0].pod.spec.containers[0].image_pull_policy, "IfNotPresent");
}

}  // namespace
}  // namespace kpod::pods
