// API versions that Kubernetes has removed, read in their present form.
#include "kube/lift.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "kube/load.h"

namespace kpod::kube {
namespace {

constexpr char kTemplate[] = R"(
  template:
    metadata: {labels: {app: a}}
    spec: {restartPolicy: Always, containers: [{name: c, image: i}]})";
constexpr char kJob[] = R"(
      template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}})";

TEST(Lift, EveryWorkloadAndItsNeighbours) {
  struct Row {
    const char *version, *kind, *present, *since;
    std::string spec;
  };
  const std::string stateful = StrCat("\n  serviceName: s", kTemplate);
  const std::string cron = StrCat("\n  schedule: '* * * * *'\n  jobTemplate:\n    spec:", kJob);
  const std::string ingress =
      "\n  rules: [{http: {paths: [{path: /, backend: {serviceName: s, servicePort: 80}}]}}]";
  const std::string policy = "\n  podSelector: {}";
  const std::string scale =
      "\n  maxReplicas: 3\n  scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}";
  const Row kTable[] = {
      {"extensions/v1beta1", "Deployment", "apps/v1", "1.16", kTemplate},
      {"extensions/v1beta1", "DaemonSet", "apps/v1", "1.16", kTemplate},
      {"extensions/v1beta1", "ReplicaSet", "apps/v1", "1.16", kTemplate},
      {"extensions/v1beta1", "Ingress", "networking.k8s.io/v1", "1.22", ingress},
      {"extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1", "1.16", policy},
      {"apps/v1beta1", "Deployment", "apps/v1", "1.16", kTemplate},
      {"apps/v1beta1", "ReplicaSet", "apps/v1", "1.16", kTemplate},
      {"apps/v1beta1", "StatefulSet", "apps/v1", "1.16", stateful},
      {"apps/v1beta2", "Deployment", "apps/v1", "1.16", kTemplate},
      {"apps/v1beta2", "ReplicaSet", "apps/v1", "1.16", kTemplate},
      {"apps/v1beta2", "DaemonSet", "apps/v1", "1.16", kTemplate},
      {"apps/v1beta2", "StatefulSet", "apps/v1", "1.16", stateful},
      {"batch/v1beta1", "CronJob", "batch/v1", "1.25", cron},
      {"batch/v2alpha1", "CronJob", "batch/v1", "1.21", cron},
      {"networking.k8s.io/v1beta1", "Ingress", "networking.k8s.io/v1", "1.22", ingress},
      {"policy/v1beta1", "PodDisruptionBudget", "policy/v1", "1.25", "\n  minAvailable: 1"},
      {"autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2", "1.25", scale},
      {"autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2", "1.26", scale},
  };
  for (const Row& row : kTable) {
    std::string text = StrCat("apiVersion: ", row.version, "\nkind: ", row.kind,
                              "\nmetadata: {name: x}\nspec:", row.spec, "\n");
    LoadResult result = Load(text, "f");
    std::vector<std::string> said;
    for (const Diagnostic& d : result.diagnostics) said.push_back(d.ToString());
    ASSERT_EQ(result.objects.size(), 1u) << text << Join(said, "\n");
    EXPECT_EQ(StringAt(result.objects[0].json, "apiVersion"), row.present) << text;
    EXPECT_TRUE(Contains(
        Join(said, "\n"),
        StrCat("f:1:13: warning: ", row.kind, "/x: apiVersion: ", row.version, " ", row.kind,
               " was removed in Kubernetes ", row.since, "; read as ", row.present)))
        << Join(said, "\n");
    // What was lifted is of the present form, and so stays as it is.
    LoadResult again = Load(ToYaml(result.objects[0].json), "f", Validate::kWarn);
    ASSERT_EQ(again.objects.size(), 1u) << ToYaml(result.objects[0].json);
    EXPECT_EQ(again.objects[0].json, result.objects[0].json);
  }
}

TEST(Lift, FieldsThatMoved) {
  struct Row {
    const char *version, *kind, *spec, *lifted;
  };
  const Row kTable[] = {
      {"apps/v1beta1", "Deployment",
       "{rollbackTo: {revision: 1}, template: {metadata: {labels: {app: a}}, spec: {containers: "
       "[{name: c, image: i}]}}}",
       R"({"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i"}]}},"selector":{"matchLabels":{"app":"a"}}})"},
      {"extensions/v1beta1", "Ingress",
       "{backend: {serviceName: s, servicePort: http}, rules: [{http: {paths: [{backend: "
       "{serviceName: t, servicePort: 8080}}]}}]}",
       R"({"defaultBackend":{"service":{"name":"s","port":{"name":"http"}}},"rules":[{"http":{"paths":[{"backend":{"service":{"name":"t","port":{"number":8080}}},"pathType":"ImplementationSpecific"}]}}]})"},
      {"autoscaling/v2beta1", "HorizontalPodAutoscaler",
       "{maxReplicas: 2, scaleTargetRef: {kind: D, name: d}, metrics: [{type: Resource, resource: "
       "{name: cpu, targetAverageUtilization: 50}}, {type: Pods, pods: {metricName: m, "
       "targetAverageValue: 1k}}]}",
       R"({"maxReplicas":2,"scaleTargetRef":{"kind":"D","name":"d"},"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}},{"type":"Pods","pods":{"target":{"type":"AverageValue","averageValue":"1k"},"metric":{"name":"m"}}}]})"},
  };
  for (const Row& row : kTable) {
    LoadResult result = Load(StrCat("apiVersion: ", row.version, "\nkind: ", row.kind,
                                    "\nmetadata: {name: x}\nspec: ", row.spec, "\n"),
                             "f");
    ASSERT_EQ(result.objects.size(), 1u) << result.diagnostics.back().ToString();
    EXPECT_EQ(Dump(At(result.objects[0].json, "spec")), row.lifted);
  }
}

}  // namespace
}  // namespace kpod::kube
