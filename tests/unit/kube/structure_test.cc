#include "kube/structure.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "kube/load.h"

namespace kpod::kube {
namespace {

// What is said about a Pod with these lines below "spec:" (line 4) and "  containers:" (line 5).
std::vector<std::string> Said(const std::string& spec, Validate validate = Validate::kWarn) {
  std::string text =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
      "  - name: c\n    image: i\n" +
      spec;
  std::vector<std::string> said;
  for (const Diagnostic& d : Load(text, "f", validate).diagnostics) said.push_back(d.ToString());
  return said;
}

struct Case {
  const char* spec;
  const char* says;  // after "f:"; "" when nothing is to be said
};

void Check(const std::vector<Case>& table) {
  for (const Case& c : table) {
    std::vector<std::string> said = Said(c.spec);
    if (*c.says == '\0') {
      EXPECT_TRUE(said.empty()) << c.spec << ": " << said[0];
    } else {
      ASSERT_EQ(said.size(), 1u) << c.spec << ": " << Join(said, "\n");
      EXPECT_EQ(said[0].substr(2), c.says) << c.spec;
    }
  }
}

TEST(Structure, UnknownAndMisplacedFieldsAreRefusedWithAHint) {
  Check({
      {"    Args: [a]\n",
       "8:5: error: Pod/p: spec.containers[0].Args: unknown field; did you mean \"args\"?"},
      {"    comand: [a]\n",
       "8:5: error: Pod/p: spec.containers[0].comand: unknown field; did you mean \"command\"?"},
      {"    port: 80\n",
       "8:5: error: Pod/p: spec.containers[0].port: unknown field; did you mean \"ports\"?"},
      {"    restartPolicies: x\n",
       "8:5: error: Pod/p: spec.containers[0].restartPolicies: unknown field; did you mean "
       "\"restartPolicy\"?"},
      {"    volumes: []\n",
       "8:5: error: Pod/p: spec.containers[0].volumes: unknown field; this field belongs under "
       "spec"},
      {"  command: [a]\n",
       "8:3: error: Pod/p: spec.command: unknown field; this field belongs under "
       "spec.containers[]"},
      {"labels: {a: b}\n",
       "8:1: error: Pod/p: labels: unknown field; this field belongs under metadata"},
      {"    volumeMounts: [{name: v, mountPath: /a, hostPath: /b}]\n",
       "8:45: error: Pod/p: spec.containers[0].volumeMounts[0].hostPath: unknown field; this field "
       "belongs under spec.volumes[]"},
      {"    xyzzy: 1\n", "8:5: error: Pod/p: spec.containers[0].xyzzy: unknown field"},
  });
}

TEST(Structure, MistypedValuesAreRefusedInTheWordsOfTheDecoder) {
  Check({
      {"    env: [{name: A, value: 8080}]\n",
       "8:28: error: Pod/p: spec.containers[0].env[0].value: cannot unmarshal number 8080 into Go "
       "struct field EnvVar.value of type string; quote it: \"8080\""},
      {"    env: [{name: A, value: yes}]\n",
       "8:28: error: Pod/p: spec.containers[0].env[0].value: cannot unmarshal bool into Go struct "
       "field EnvVar.value of type string; quote it: \"yes\""},
      {"    args: x\n",
       "8:11: error: Pod/p: spec.containers[0].args: cannot unmarshal string into Go struct field "
       "Container.args of type []string"},
      {"    ports:\n      containerPort: 80\n",
       "8:5: error: Pod/p: spec.containers[0].ports: cannot unmarshal object into Go struct field "
       "Container.ports of type []ContainerPort; begin each item with \"- \""},
      {"    args:\n    - - x\n",
       "9:7: error: Pod/p: spec.containers[0].args[0]: cannot unmarshal array into Go struct field "
       "Container.args of type string"},
      {"    ports: {containerPort: 80}\n",
       "8:12: error: Pod/p: spec.containers[0].ports: cannot unmarshal object into Go struct field "
       "Container.ports of type []ContainerPort; begin each item with \"- \""},
      {"    ports: [{containerPort: \"80\"}]\n",
       "8:29: error: Pod/p: spec.containers[0].ports[0].containerPort: cannot unmarshal string "
       "into Go struct field ContainerPort.containerPort of type int32; write it without quotes"},
      {"    ports: [{containerPort: 80.5}]\n",
       "8:29: error: Pod/p: spec.containers[0].ports[0].containerPort: cannot unmarshal number "
       "80.5 into Go struct field ContainerPort.containerPort of type int32"},
      {"    ports: [{containerPort: 4294967296}]\n",
       "8:29: error: Pod/p: spec.containers[0].ports[0].containerPort: cannot unmarshal number "
       "4294967296 into Go struct field ContainerPort.containerPort of type int32"},
      {"  hostPID: \"yes\"\n",
       "8:12: error: Pod/p: spec.hostPID: cannot unmarshal string into Go struct field "
       "PodSpec.hostPID of type bool; write it without quotes"},
      {"  hostPID: 1\n",
       "8:12: error: Pod/p: spec.hostPID: cannot unmarshal number 1 into Go struct field "
       "PodSpec.hostPID of type bool"},
      {"  securityContext: nobody\n",
       "8:20: error: Pod/p: spec.securityContext: cannot unmarshal string into Go struct field "
       "PodSpec.securityContext of type PodSecurityContext"},
      {"  hostname: .nan\n", "8:13: error: Pod/p: spec.hostname: unsupported value: .nan"},
      {"    env: [{value: x}]\n",
       "8:11: error: Pod/p: spec.containers[0].env[0].name: Required value"},
      {"    ports: [{containerPort: 80.0}, {containerPort: 0o100}]\n", ""},
      {"    resources: {limits: {cpu: 0.5, memory: 1e9}}\n", ""},
      {"    env:\n    args:\n  hostPID: yes\n  volumes:\n  - name: v\n    emptyDir:\n", ""},
  });
}

TEST(Structure, WhatIsNotCarriedOutIsSaid) {
  Check({
      {"  readinessGates: [{conditionType: a/b}]\n",
       "8:3: warning: Pod/p: spec.readinessGates: not carried out yet: the pod is ready without "
       "these conditions"},
      {"  nodeSelector: {disk: ssd}\n",
       "8:3: note: Pod/p: spec.nodeSelector: has no meaning on one machine: there is one node, so "
       "nothing is scheduled"},
      {"  hostUsers: true\n  setHostnameAsFQDN: false\n  readinessGates: []\n", ""},
  });
  std::string twice =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}], "
      "nodeName: node}\n";
  LoadResult result = Load(twice + "---\n" + twice, "f");
  EXPECT_EQ(result.objects.size(), 2u);
  EXPECT_EQ(result.diagnostics.size(), 1u) << "a note is said once";
}

TEST(Structure, StrictAndIgnore) {
  const char* const kNotYet = "  readinessGates: [{conditionType: a/b}]\n";
  std::vector<std::string> said = Said(kNotYet, Validate::kStrict);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find(": error: "), std::string::npos);
  EXPECT_TRUE(Said(kNotYet, Validate::kIgnore).empty());
  EXPECT_TRUE(Said("    imagee: x\n", Validate::kIgnore).empty());
  EXPECT_EQ(Said("    args: x\n", Validate::kIgnore).size(), 1u);
  said = Said("  nodeName: node\n", Validate::kStrict);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find(": note: "), std::string::npos);
}

}  // namespace
}  // namespace kpod::kube
