#include "kube/schema.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/spawn.h"
#include "kube/support.h"
#include "tests/unit/kube/shared.h"

namespace kpod::kube {
namespace {

TEST(Schema, EveryTypeIsFoundAndEveryReferenceLeadsSomewhere) {
  std::vector<std::string_view> names = AllTypeNames();
  EXPECT_GT(names.size(), 500u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (std::string_view name : names) {
    const Type* type = FindType(name);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_EQ(type->name, name);
    for (const Field& field : type->fields) {
      EXPECT_EQ(type->Find(field.name), &field) << name << "." << field.name;
      TypeRef ref = field.type;
      while (ref.shape() == Shape::kList || ref.shape() == Shape::kMap) ref = ref.Element();
      if (ref.shape() == Shape::kStruct) {
        EXPECT_NE(FindType(ref.text), nullptr) << name << "." << field.name << ": " << ref.text;
      }
    }
  }
  for (const KindInfo& info : AllKinds()) {
    EXPECT_NE(FindType(info.type), nullptr) << info.kind;
    EXPECT_TRUE(FindKind(info.api_version, info.kind).has_value());
  }
  EXPECT_EQ(FindType("Nothing"), nullptr);
  EXPECT_EQ(FindType(""), nullptr);
  EXPECT_EQ(FindType("zzz"), nullptr);
}

TEST(Schema, KnowsWhatKubernetesKnows) {
  EXPECT_TRUE(FindType("Container")->Find("name")->required);
  EXPECT_FALSE(FindType("Container")->Find("image")->required);
  EXPECT_EQ(FindType("Container")->Find("args")->type.GoName(), "[]string");
  EXPECT_EQ(FindType("ResourceRequirements")->Find("limits")->type.GoName(), "map[string]Quantity");
  EXPECT_EQ(FindType("HTTPGetAction")->Find("port")->type.shape(), Shape::kIntOrString);
  EXPECT_EQ(FindType("Secret")->Find("data")->type.Element().shape(), Shape::kBytes);
  EXPECT_FALSE(FindKind("v1", "Namespace")->namespaced);
  EXPECT_TRUE(FindKind("apps/v1", "Deployment")->namespaced);
  EXPECT_FALSE(FindKind("apps/v1", "Pod").has_value());
  EXPECT_EQ(GroupOf("apps/v1"), "apps");
  EXPECT_EQ(GroupOf("v1"), "");
  EXPECT_EQ(VersionOf("v1"), "v1");
}

TEST(Schema, IsThatOfThePublishedDocument) {
  SKIP_WITHOUT_SHARED();
  SpawnOptions options;
  options.argv = {"python3", KPOD_SOURCE_DIR "/scripts/make-schema.py",
                  SharedDir() + "/kubernetes/openapi-v2.json"};
  auto made = RunProgram(options);
  if (!made.ok()) GTEST_SKIP() << "no python3: " << made.error().message();
  ASSERT_EQ(made->exit.code, 0) << made->err;
  auto committed = ReadFile(KPOD_SOURCE_DIR "/kube/schema_data.inc");
  ASSERT_TRUE(committed.ok());
  EXPECT_TRUE(made->out == *committed) << "kube/schema_data.inc is not what make-schema.py makes";
}

TEST(Support, EveryRowNamesSomethingThatIsThere) {
  for (std::string_view row : StraySupportRows()) ADD_FAILURE() << "stray row: " << row;
}

TEST(Support, WhatHasNoRowIsNotYet) {
  EXPECT_EQ(SupportOfField("Container", "somethingNew").status, Status::kNotYet);
  EXPECT_EQ(SupportOfField("Volume", "nfs").status, Status::kNotYet);
  EXPECT_EQ(SupportOfField("Container", "image").status, Status::kCarriedOut);
  EXPECT_EQ(SupportOfField("PodSpec", "nodeSelector").status, Status::kNoMeaning);
  EXPECT_EQ(SupportOfKind("autoscaling", "HorizontalPodAutoscaler").status, Status::kNotYet);
  EXPECT_EQ(SupportOfKind("storage.k8s.io", "StorageClass").status, Status::kNoMeaning);
}

// A field may be called carried out only when all of its parts have been judged.
TEST(Support, NothingBelowACarriedOutFieldIsUnjudged) {
  std::vector<std::string_view> todo = {"Pod",     "Deployment", "ConfigMap",
                                        "Secret",  "Namespace",  "PersistentVolumeClaim",
                                        "Service", "Endpoints",  "EndpointSlice"};
  std::vector<std::string_view> seen;
  while (!todo.empty()) {
    std::string_view name = todo.back();
    todo.pop_back();
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    for (const Field& field : FindType(name)->fields) {
      Support support = SupportOfField(name, field.name);
      EXPECT_NE(support.meaning, "it has no effect") << name << "." << field.name;
      if (support.status != Status::kCarriedOut) continue;
      TypeRef ref = field.type;
      while (ref.shape() == Shape::kList || ref.shape() == Shape::kMap) ref = ref.Element();
      if (ref.shape() == Shape::kStruct) todo.push_back(ref.text);
    }
  }
  EXPECT_GT(seen.size(), 20u);
}

}  // namespace
}  // namespace kpod::kube
