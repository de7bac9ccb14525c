#include "kube/load.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace kpod::kube {
namespace {

std::string All(const LoadResult& result) {
  std::vector<std::string> lines;
  for (const Diagnostic& d : result.diagnostics) lines.push_back(d.ToString());
  return Join(lines, "\n");
}

TEST(Load, TellsWhatIsNoObjectOfKubernetes) {
  const char* const kTable[][2] = {
      {"a\n",
       "f:1:1: error: this is not a Kubernetes object: it must be a map with apiVersion and "
       "kind"},
      {"kind: Pod\n", "f:1:1: error: apiVersion: Required value"},
      {"apiVersion: v1\n", "f:1:1: error: kind: Required value"},
      {"apiVersion: v1\nkid: Pod\n", "f:2:1: error: kid: unknown field; did you mean \"kind\"?"},
      {"apiVersion: 1\nkind: Pod\n", "f:1:13: error: apiVersion: must be a string"},
      {"apiVersion: v1\nkind:\n- Pod\n", "f:2:1: error: kind: must be a string"},
      {"apiVersion: v1\nmetadata:\n  kind: Pod\n  name: p\n",
       "f:3:3: error: metadata.kind: this field belongs to the top level of the object"},
      {"apiVersion: v1\nkind: Pood\n",
       "f:2:7: error: Pood: kind: no kind \"Pood\" in version \"v1\"; did you mean \"Pod\"?"},
      {"apiVersion: v1\nkind: Deployment\n",
       "f:1:13: error: Deployment: apiVersion: no kind \"Deployment\" in version \"v1\"; did you "
       "mean apiVersion: apps/v1?"},
      {"apiVersion: app/v1\nkind: Deployment\n",
       "f:1:13: error: Deployment: apiVersion: no matches for kind \"Deployment\" in version "
       "\"app/v1\"; did you mean \"apps/v1\"?"},
      {"apiVersion: apps/v2\nkind: Deployment\n",
       "f:1:13: error: Deployment: apiVersion: no matches for kind \"Deployment\" in version "
       "\"apps/v2\"; did you mean \"apps/v1\"?"},
      {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n",
       "f:1:1: warning: Service/x: custom resource serving.knative.dev/v1 Service is skipped: no "
       "controller for it runs here"},
      {"apiVersion: v1\nkind: ConfigMap\n",
       "f:1:1: error: ConfigMap: metadata.name: Required value: name or generateName is required"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
       "f:1:1: error: Pod/p: spec.containers: Required value"},
      {"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: pw!}\n",
       "f:4:11: error: Secret/s: data.a: illegal base64 data; plain text belongs under stringData"},
      {"apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectRulesReview\nspec: {namespace: "
       "shop}\n",
       "f:1:1: note: SelfSubjectRulesReview: SelfSubjectRulesReview has no meaning on one machine: "
       "there is no cluster behind this machine"},
      {"apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectRulesReview\nspec: {nmespace: n}\n",
       "f:1:1: note: SelfSubjectRulesReview: SelfSubjectRulesReview has no meaning on one machine: "
       "there is no cluster behind this machine\n"
       "f:3:8: error: SelfSubjectRulesReview: spec.nmespace: unknown field; did you mean "
       "\"namespace\"?"},
  };
  for (const auto& [text, says] : kTable) {
    LoadResult result = Load(text, "f");
    EXPECT_EQ(All(result), says) << text;
    EXPECT_TRUE(result.objects.empty()) << text;
  }
}

// They are kept, and so come back whole for a machine or a cluster where they mean something.
TEST(Load, ObjectsThatAreNotCarriedOutAreKept) {
  struct Row {
    const char* text;
    const char* key;  // "": not kept
    const char* says;
  };
  const Row kTable[] = {
      {"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n", "ServiceAccount/default/s",
       "ServiceAccount has no meaning on one machine: there is no API server to ask or to guard"},
      {"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: s}\n"
       "spec: {maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: d}}\n",
       "HorizontalPodAutoscaler/default/s", "HorizontalPodAutoscaler is not carried out yet: "},
      {"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: s}\nprovisioner: p\n",
       "StorageClass//s", "StorageClass has no meaning on one machine: "},
      {"apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: s}\n"
       "spec: {minAvailable: 1}\n",
       "PodDisruptionBudget/default/s", "was removed in Kubernetes 1.25; read as policy/v1"},
      {"apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\n"
       "metadata: {name: s}\nspec: {version: v1}\n",
       "", "was removed in Kubernetes 1.22; read as apiextensions.k8s.io/v1"},
  };
  for (const Row& row : kTable) {
    LoadResult result = Load(row.text, "f");
    EXPECT_FALSE(result.HasErrors()) << All(result);
    EXPECT_TRUE(Contains(All(result), row.says)) << All(result);
    std::string key = result.objects.empty() ? "" : result.objects[0].Key();
    EXPECT_EQ(key, row.key) << row.text;
  }
}

TEST(Load, ObjectsAreNormalized) {
  LoadResult result = Load(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  labels:\ndata:\n  b: x\n  a:\n"
      "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n"
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns}\n"
      "spec:\n  containers: [{name: c, image: i, resources: {limits: {cpu: 2, memory: 1Gi}}}]\n"
      "  volumes: [{name: v, secret: {secretName: s, defaultMode: 0400}}]\n",
      "dir/f.yaml");
  ASSERT_EQ(result.objects.size(), 3u) << All(result);
  EXPECT_EQ(result.objects[0].Key(), "ConfigMap/default/c");
  EXPECT_EQ(Dump(result.objects[0].json),
            R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},)"
            R"("data":{"b":"x","a":""}})");
  EXPECT_EQ(result.objects[1].Key(), "Namespace//ns");
  EXPECT_EQ(result.objects[2].Key(), "Pod/ns/p");
  EXPECT_EQ(result.objects[2].at.file, "dir/f.yaml");
  EXPECT_EQ(result.objects[2].at.line, 14);
  EXPECT_EQ(Dump(result.objects[2].json["spec"]),
            R"({"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"2",)"
            R"("memory":"1Gi"}}}],"volumes":[{"name":"v","secret":{"secretName":"s",)"
            R"("defaultMode":256}}]})");
}

TEST(Load, ListsAreUnwrapped) {
  LoadResult result = Load(
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
      "  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n"
      "  - metadata: {name: b}\n    dta: {}\n  - metadata: {name: c}\n",
      "f");
  ASSERT_EQ(result.objects.size(), 2u) << All(result);
  EXPECT_EQ(result.objects[0].at.line, 4);
  EXPECT_EQ(result.objects[1].name, "c");
  EXPECT_EQ(StringAt(result.objects[1].json, "kind"), "ConfigMap");
  EXPECT_EQ(All(result), "f:11:5: error: ConfigMap/b: dta: unknown field; did you mean \"data\"?");
  result = Load("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"itms\":[]}", "f");
  EXPECT_EQ(All(result), "f:1:34: error: List: itms: unknown field; did you mean \"items\"?");
}

TEST(Load, StrictLeavesOutWhatItWarnsOf) {
  const char* const kText =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v, k: w}\n";
  LoadResult warned = Load(kText, "f");
  ASSERT_EQ(warned.objects.size(), 1u);
  EXPECT_EQ(warned.objects[0].json["data"]["k"], "w");
  EXPECT_EQ(
      All(warned),
      "f:4:14: warning: data.k: duplicate key; the first is on line 4, and this one is taken");
  LoadResult strict = Load(kText, "f", Validate::kStrict);
  EXPECT_TRUE(strict.objects.empty());
  EXPECT_TRUE(strict.HasErrors());
  EXPECT_TRUE(Load(kText, "f", Validate::kIgnore).diagnostics.empty());
}

TEST(Load, RemovedVersionsAreReadAsTheirPresentForm) {
  LoadResult result = Load(
      "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
      "  rollbackTo: {revision: 1}\n  template:\n    metadata: {labels: {app: d}}\n"
      "    spec: {containers: [{name: c, image: i}]}\n"
      "---\napiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: i}\nspec:\n"
      "  backend: {serviceName: s, servicePort: http}\n"
      "  rules: [{http: {paths: [{path: /, backend: {serviceName: t, servicePort: 80}}]}}]\n"
      "---\napiVersion: autoscaling/v2beta1\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
      "spec:\n  maxReplicas: 3\n  scaleTargetRef: {kind: Deployment, name: d}\n"
      "  metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 50}}]\n"
      "---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: p}\n",
      "f");
  ASSERT_EQ(result.objects.size(), 3u) << All(result);
  EXPECT_EQ(result.objects[0].api_version, "apps/v1");
  EXPECT_EQ(Dump(result.objects[0].json["spec"]["selector"]), R"({"matchLabels":{"app":"d"}})");
  EXPECT_FALSE(result.objects[0].json["spec"].contains("rollbackTo"));
  EXPECT_EQ(Dump(result.objects[1].json["spec"]),
            R"({"defaultBackend":{"service":{"name":"s","port":{"name":"http"}}},"rules":[{"http":)"
            R"({"paths":[{"path":"/","backend":{"service":{"name":"t","port":{"number":80}}},)"
            R"("pathType":"ImplementationSpecific"}]}}]})");
  EXPECT_EQ(Dump(result.objects[2].json["spec"]["metrics"][0]["resource"]),
            R"({"name":"cpu","target":{"type":"Utilization","averageUtilization":50}})");
  std::string said = All(result);
  EXPECT_NE(
      said.find("f:1:13: warning: Deployment/d: apiVersion: extensions/v1beta1 Deployment was "
                "removed in Kubernetes 1.16; read as apps/v1"),
      std::string::npos);
  EXPECT_NE(said.find("PodSecurityPolicy was removed in Kubernetes 1.25 and has no successor; "
                      "skipped"),
            std::string::npos);
}

TEST(Diagnostic, ReadsAsALineOfACompiler) {
  EXPECT_EQ((Diagnostic{Severity::kWarning, {"a.yaml", 3, 5}, "Pod/p", "spec.x", "no"}).ToString(),
            "a.yaml:3:5: warning: Pod/p: spec.x: no");
  EXPECT_EQ((Diagnostic{Severity::kError, {"-", 0, 0}, "", "", "no"}).ToString(), "-: error: no");
}

}  // namespace
}  // namespace kpod::kube
