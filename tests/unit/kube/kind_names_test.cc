#include "kube/kind_names.h"

#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "kube/schema.h"

namespace kpod::kube {
namespace {

TEST(KindNames, AreReadInAnyForm) {
  const char* const kTable[][2] = {
      {"pod", "Pod"},
      {"Pods", "Pod"},
      {"po", "Pod"},
      {"deploy", "Deployment"},
      {"deployment.apps", "Deployment"},
      {"deployments.apps", "Deployment"},
      {"deployment.batch", ""},
      {"svc", "Service"},
      {"sts", "StatefulSet"},
      {"cm", "ConfigMap"},
      {"pvc", "PersistentVolumeClaim"},
      {"ingresses", "Ingress"},
      {"networkpolicies", "NetworkPolicy"},
      {"storageclasses", "StorageClass"},
      {"endpoints", "Endpoints"},
      {"cronjobs.batch", "CronJob"},
      {"shop", ""},
      {"", ""},
      {".", ""},
  };
  for (const auto& [word, kind] : kTable) {
    EXPECT_EQ(KindNamed(word).value_or(""), kind) << word;
  }
}

TEST(KindNames, EveryKindIsKnownByTheNameThatIsPrinted) {
  std::set<std::string_view> kinds;
  for (const KindInfo& info : AllKinds()) kinds.insert(info.kind);
  for (std::string_view kind : kinds) {
    EXPECT_EQ(KindNamed(ResourceName(kind)).value_or(""), kind);
    EXPECT_EQ(KindNamed(kind).value_or(""), kind);
  }
  EXPECT_EQ(ResourceName("Pod"), "pod");
  EXPECT_EQ(ResourceName("Job"), "job.batch");
  EXPECT_EQ(ResourceName("Deployment"), "deployment.apps");
}

}  // namespace
}  // namespace kpod::kube
