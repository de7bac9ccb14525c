#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "kube/load.h"
#include "kube/yaml.h"
#include "kube/yaml_scalar.h"
#include "tests/unit/kube/shared.h"

namespace kpod::kube {
namespace {

Json ReadBack(const std::string& yaml) {
  Json json;
  auto documents = ParseDocuments(yaml);
  if (documents.size() != 1) return Json(StrCat(documents.size(), " documents"));
  if (!documents[0].problems.empty()) return Json(documents[0].problems[0].text);
  const Node* bad = nullptr;
  ToJson(documents[0].root, &json, &bad);
  return json;
}

TEST(ToYaml, LooksLikeKubectls) {
  Json json = Json::parse(R"({"kind":"Pod","spec":{"args":["a","yes","1e3",""," x","a: b","a #b"],
    "containers":[{"name":"c","ports":[{"containerPort":80}],"env":[]},{}],"nested":[["a",["b"]]],
    "script":"set -e\necho hi\n","one":"a\nb","more":"a\n\n","lead":"  a\nb\n","tab":"a\tb",
    "flag":true,"half":0.5,"none":{}}})");
  EXPECT_EQ(ToYaml(json), R"(kind: Pod
spec:
  args:
  - a
  - 'yes'
  - '1e3'
  - ''
  - ' x'
  - 'a: b'
  - 'a #b'
  containers:
  - name: c
    ports:
    - containerPort: 80
    env: []
  - {}
  nested:
  - - a
    - - b
  script: |
    set -e
    echo hi
  one: |-
    a
    b
  more: |+
    a

  lead: |2
      a
    b
  tab: "a\tb"
  flag: true
  half: 0.5
  none: {}
)");
  EXPECT_EQ(ReadBack(ToYaml(json)), json);
}

std::vector<std::string> NastyStrings() {
  std::vector<std::string> nasty = {
      "",
      " ",
      "\n",
      "\n\n",
      "\t",
      "a\n",
      "a\n\n\n",
      "\na",
      "\n\na\n",
      " a",
      "a ",
      "a\n b\n",
      " a\nb",
      "  a\n b\n",
      "a \nb \n",
      "a\n \nb",
      "a\n   \n",
      "\ta\nb",
      "a\n\tb",
      "a\t\nb\n",
      "a\r\nb",
      "\r",
      "yes",
      "no",
      "on",
      "off",
      "y",
      "n",
      "true",
      "NULL",
      "~",
      "null",
      "0755",
      "0o7",
      "1_0",
      "1e3",
      "123",
      "-1",
      "+1",
      "0x1f",
      ".5",
      ".inf",
      "-.INF",
      ".nan",
      "12:30:45",
      "1:20",
      "2020-01-01",
      "2020-01-01T00:00:00Z",
      "=",
      "<<",
      "-",
      "--",
      "---",
      "--- a",
      "...",
      "-a",
      "- a",
      "?",
      "? a",
      "?a",
      ":",
      ":a",
      "a:",
      "a: b",
      "a:b",
      "a #b",
      "a#b",
      "#a",
      "'",
      "''",
      "'a'",
      "\"",
      "\"a\"",
      "\\",
      "\\n",
      "it's",
      "[a]",
      "{a}",
      "a]",
      ",a",
      "&a",
      "*a",
      "!a",
      "!!str a",
      "|",
      ">",
      "%a",
      "@a",
      "`a",
      "\x01",
      "\x7f",
      "\xC2\x85",
      "\xE2\x80\xA8",
      "\xEF\xBB\xBF",
      "\xEF\xBF\xBE",
      "é",
      "中文: x",
      "😀",
      std::string("a\0b", 3),
      "\xff\xfe",
      "a\xC3",
      "---\na",
      "a\n---\nb\n",
      "a\n...\nb",
      "#!/bin/sh\n# x\n",
      "key: |\n  text\n",
      std::string(2000, 'x'),
      std::string(300, ' ') + "x",
      "- a\n- b\n",
      "a\n\n\n\nb\n\n",
      "\n ",
      " \n ",
      " \na",
      "a\n ",
  };
  return nasty;
}

TEST(ToYaml, NastyStringsComeBackAsValuesItemsAndKeys) {
  for (const std::string& text : NastyStrings()) {
    Json json = Json::object();
    json["value"] = text;
    json["nested"]["list"] = Json::array({text, Json::array({text}), Json::object({{"k", text}})});
    // A key cannot carry a tag in our reader, and bytes that are not UTF-8 need one.
    if (Contains(Dump(Json(text)), "\xEF\xBF\xBD")) continue;
    json["keys"] = Json::object({{text, text}, {text + "2", Json::array({1})}});
    json["end"] = text;
    std::string yaml = ToYaml(json);
    EXPECT_EQ(ReadBack(yaml), json) << yaml;
  }
}

TEST(ToYaml, RandomStringsComeBack) {
  std::mt19937 random(7);
  const std::string_view kParts[] = {"a",  "b", " ",  "  ", "\n", "\t",   ":",   ": ",  "#",
                                     " #", "-", "- ", "'",  "\"", "\\",   "é",   "0",   "1",
                                     ",",  "[", "}",  "|",  ">",  "\n\n", "---", "...", "&",
                                     "*",  "!", "%",  "y",  "\r", "~",    "x\n"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t n = random() % 8; n > 0; --n) text += kParts[random() % std::size(kParts)];
    Json json = Json::object({{"a", text}, {"b", Json::array({text, "z"})}, {"c", text}});
    std::string yaml = ToYaml(json);
    ASSERT_EQ(ReadBack(yaml), json) << yaml;
  }
}

TEST(ToYaml, TheCorpusComesBack) {
  SKIP_WITHOUT_SHARED();
  size_t objects = 0;
  for (const Manifest& manifest : Corpus()) {
    for (const Object& object : Load(manifest.text, manifest.path).objects) {
      std::string yaml = ToYaml(object.json);
      LoadResult again = Load(yaml, "again");
      ASSERT_EQ(again.objects.size(), 1u) << manifest.path << "\n" << yaml;
      ASSERT_EQ(again.objects[0].json, object.json) << manifest.path << "\n" << yaml;
      ++objects;
    }
  }
  EXPECT_GT(objects, 500u);
}

}  // namespace
}  // namespace kpod::kube
