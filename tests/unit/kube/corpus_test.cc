// Real manifests, and real manifests with one thing wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "base/spawn.h"
#include "base/text.h"
#include "kube/load.h"
#include "kube/schema.h"
#include "kube/structure.h"
#include "kube/yaml.h"
#include "tests/unit/kube/refusals.h"
#include "tests/unit/kube/shared.h"

namespace kpod::kube {
namespace {

// Called invalid by a reader of YAML that is stricter than kubectl's: tabs at the end of lines, and
// \' in double quotes. kubectl takes both.
const std::set<std::string> kKubectlAccepts = {
    "argocd-example-apps/kustomize-guestbook/guestbook-ui-svc.yaml",
    "kubernetes-website/content/en/examples/pods/inject/envars-file-container.yaml",
};

TEST(Corpus, VerdictsAreKubernetes) {
  SKIP_WITHOUT_SHARED();
  std::map<std::string, int> seen;
  for (const Manifest& manifest : Corpus()) {
    LoadResult result = Load(manifest.text, manifest.path);
    std::string warnings = DiagnosticsOf(result, Severity::kWarning);
    std::string verdict = manifest.verdict;
    if (kKubectlAccepts.count(manifest.path) != 0) verdict = "valid";
    ++seen[verdict];
    if (verdict == "invalid") {
      EXPECT_TRUE(result.HasErrors()) << manifest.path;
      for (const Diagnostic& d : result.diagnostics) EXPECT_GT(d.at.line, 0) << d.ToString();
      continue;
    }
    EXPECT_FALSE(result.HasErrors()) << DiagnosticsOf(result, Severity::kError);
    if (verdict == "removed-api") {
      EXPECT_TRUE(Contains(warnings, "was removed in Kubernetes") ||
                  Contains(warnings, "custom resource"))
          << manifest.path;
    } else if (verdict == "custom") {
      EXPECT_TRUE(Contains(warnings, "is skipped")) << manifest.path;
    }
  }
  EXPECT_GT(seen["valid"], 300);
  EXPECT_GT(seen["removed-api"], 3);
  EXPECT_GT(seen["invalid"], 0);
}

TEST(Corpus, EveryFieldOfEveryKindIsKnown) {
  SKIP_WITHOUT_SHARED();
  std::string dir = SharedDir() + "/kubernetes/all-fields";
  auto names = ListDir(dir);
  ASSERT_TRUE(names.ok());
  ASSERT_GT(names->size(), 20u);
  for (const std::string& name : *names) {
    auto text = ReadFile(dir + "/" + name);
    ASSERT_TRUE(text.ok());
    for (const Document& document : ParseDocuments(*text)) {
      if (document.root.IsNull()) continue;
      EXPECT_TRUE(document.problems.empty()) << name;
      auto info = FindKind(document.root.TextAt("apiVersion"), document.root.TextAt("kind"));
      ASSERT_TRUE(info.has_value()) << name;
      std::vector<Diagnostic> said;
      std::set<std::string> noted;
      StructureOptions options;
      options.file = name;
      CheckStructure(document.root, info->type, options, &noted, &said);
      for (const Diagnostic& d : said) EXPECT_NE(d.severity, Severity::kError) << d.ToString();
    }
  }
}

TEST(Fuzz, NoBytesHurt) {
  std::vector<std::string> seeds = {
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n",
      "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"kind\": \"Pod\"}]}",
      "a: &a [*a]\n<<: *a\n? [x]\n: |2-\n   y\n--- !!binary x\n...\n%YAML 1.1\n---\n\"\\u12"};
  if (!SharedDir().empty()) {
    for (const Manifest& manifest : Corpus()) {
      if (manifest.text.size() < 4000) seeds.push_back(manifest.text);
    }
  }
  const std::string_view kPieces[] = {"\t",
                                      ": ",
                                      "- ",
                                      "\n",
                                      "'",
                                      "\"",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      "&a ",
                                      "*a",
                                      "!",
                                      "|",
                                      ">",
                                      "#",
                                      "---\n",
                                      "...\n",
                                      "<<: ",
                                      "? ",
                                      "%",
                                      "@",
                                      "`",
                                      "\xff",
                                      std::string_view("\0", 1),
                                      "\r",
                                      "~",
                                      "0x",
                                      "\x04",
                                      "!!binary ",
                                      "\xEF\xBB\xBF",
                                      ",",
                                      "\\",
                                      "kind: List\n",
                                      "items:\n"};
  std::mt19937 random(11);
  size_t said = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (size_t changes = 1 + random() % 4; changes > 0; --changes) {
      size_t at = random() % (text.size() + 1);
      switch (random() % 5) {
        case 0:
          text.insert(at, kPieces[random() % std::size(kPieces)]);
          break;
        case 1:
          text.erase(at, 1 + random() % 8);
          break;
        case 2:
          if (at < text.size()) text[at] = static_cast<char>(random());
          break;
        case 3:
          text.insert(at, text.substr(random() % (text.size() + 1), random() % 40));
          break;
        default:
          text.resize(at);
      }
    }
    LoadResult result = Load(text, "f", static_cast<Validate>(random() % 3));
    said += result.diagnostics.size();
    for (const Object& object : result.objects) said += ToYaml(object.json).size();
  }
  EXPECT_GT(said, 0u);
}

// What kubectl makes of the traps in real files, against what we make of them.
TEST(Oracle, KubectlReadsTheSame) {
  SpawnOptions version;
  version.argv = {"kubectl", "version", "--client"};
  auto found = RunProgram(version);
  if (!found.ok() || found->exit.code != 0) GTEST_SKIP() << "no kubectl on this machine";
  const char* const kPod =
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n"
      "    image: i\n";
  const char* const kTraps[] = {
      "    workingDir: x\t\n",
      "    workingDir: |\n      tab\there\n      \tx\n",
      "    workingDir: \"a\\'b\"\n",
      "    workingDir: 12:30:45\n",
      "    workingDir: yes\n",
      "    workingDir: 0b1\n",
      "    workingDir: 'x\n",
      "    args: [a, , b]\n",
      "    args: [null, ~, 'x',]\n",
      "    args:\n    - a\n   - b\n",
      "  terminationGracePeriodSeconds: 010\n",
      "  terminationGracePeriodSeconds: 1e1\n",
      "  terminationGracePeriodSeconds: 1.5\n",
      "  nodeSelector: {1: a, true: b, 1.5: c}\n",
      "  nodeSelector: {a: 1}\n",
      "  nodeSelector: {a: }\n",
      "  hostPID: on\n",
      "  hostPID: 'on'\n",
      "    workingDir: a: b\n",
      "    workingDir: &x /y\n    args: [*x]\n",
      "    workingDir: x\n...\n---\n# nothing\n",
      "    workingDir: >-\n      a\n        b\n\n      c\n",
      "    resources: {limits: {cpu: 0.5, memory: 1e3}}\n",
  };
  for (const char* trap : kTraps) {
    std::string text = std::string(kPod) + trap;
    SpawnOptions options;
    options.argv = {"kubectl", "set", "env", "--local", "-f", "-", "ORACLE=1", "-o", "json"};
    options.input = text;
    auto theirs = RunProgram(options);
    ASSERT_TRUE(theirs.ok());
    LoadResult ours = Load(text, "f");
    ASSERT_EQ(theirs->exit.code == 0, !ours.HasErrors())
        << trap << theirs->err << DiagnosticsOf(ours, Severity::kError);
    if (theirs->exit.code != 0) continue;
    ASSERT_EQ(ours.objects.size(), 1u);
    auto json = ParseJson(theirs->out, "kubectl");
    ASSERT_TRUE(json.ok());
    Json expected = (*json)["spec"], made = ours.objects[0].json["spec"];
    for (Json* spec : {&expected, &made}) {
      (*spec)["containers"][0].erase("env");
      (*spec)["containers"][0].erase("resources");
    }
    // kubectl's order is that of the alphabet.
    EXPECT_EQ(nlohmann::json::parse(Dump(made)), nlohmann::json::parse(Dump(expected))) << trap;
  }
}

}  // namespace
}  // namespace kpod::kube
