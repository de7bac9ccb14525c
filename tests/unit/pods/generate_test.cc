// What was stored comes back as YAML that is read to the same objects and the same plans.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/text.h"
#include "kube/load.h"
#include "pods/workloads.h"
#include "store/objects.h"
#include "tests/unit/kube/shared.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

std::vector<store::StoredObject> Stored(const std::vector<kube::Object>& objects) {
  std::vector<store::StoredObject> out;
  for (const kube::Object& o : objects) {
    store::StoredObject s;
    s.ns = o.ns;
    s.kind = o.kind;
    s.name = o.name.empty() ? "made" : o.name;
    s.uid = "u-1";
    s.object = o.json;
    out.push_back(std::move(s));
  }
  return out;
}

// Through a store on disk, in the order in which it lists them.
std::vector<store::StoredObject> ThroughStore(const std::vector<store::StoredObject>& objects) {
  std::string dir = testing::TempDir() + "kpod-generate-XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) return {};
  store::Paths paths;
  paths.root = dir + "/root";
  paths.run = dir + "/run";
  store::ObjectStore store(paths);
  for (const store::StoredObject& o : objects) EXPECT_TRUE(store.Put(o).ok()) << o.name;
  auto listed = store.List();
  EXPECT_TRUE(listed.ok());
  EXPECT_TRUE(RemoveAll(dir).ok());
  return listed.ok() ? *listed : std::vector<store::StoredObject>{};
}

std::vector<std::string> PlansOf(const std::vector<store::StoredObject>& objects) {
  FakeMachine machine;
  std::vector<std::string> plans;
  for (const Workload& w : WorkloadsOf(objects)) {
    Plan plan = MakePlan(w.pod, machine.lookups());
    plan.hash = w.hash;
    plan.created_nanos = 0;
    plans.push_back(StrCat(w.kind, "/", w.name, " x", w.replicas, " ", Dump(ToJson(plan))));
  }
  return plans;
}

TEST(Generate, TheCorpusComesBackToTheSameObjectsAndPlans) {
  SKIP_WITHOUT_SHARED();
  size_t objects = 0, plans = 0;
  for (const kube::Manifest& manifest : kube::Corpus()) {
    std::vector<store::StoredObject> played =
        ThroughStore(Stored(kube::Load(manifest.text, manifest.path).objects));
    std::string yaml;
    for (const store::StoredObject& o : played) yaml += StrCat("---\n", kube::ToYaml(o.object));
    kube::LoadResult again = kube::Load(yaml, "again");
    ASSERT_EQ(again.objects.size(), played.size()) << manifest.path << "\n" << yaml;
    for (const kube::Diagnostic& d : again.diagnostics) {
      EXPECT_FALSE(Contains(d.text, "was removed in Kubernetes")) << manifest.path;
    }
    std::vector<store::StoredObject> replayed = Stored(again.objects);
    for (size_t i = 0; i < played.size(); ++i) {
      ASSERT_EQ(Dump(replayed[i].object), Dump(played[i].object)) << manifest.path;
    }
    objects += played.size();
    plans += PlansOf(played).size();
    ASSERT_EQ(PlansOf(replayed), PlansOf(played)) << manifest.path;
  }
  EXPECT_GT(objects, 600u);
  EXPECT_GT(plans, 250u);
}

}  // namespace
}  // namespace kpod::pods
