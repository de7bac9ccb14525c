#include "kube/yaml.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "kube/yaml_scalar.h"

namespace kpod::kube {
namespace {

std::string AsJson(const Node& node) {
  Json json;
  const Node* bad = nullptr;
  return ToJson(node, &json, &bad) ? Dump(json) : "unsupported " + bad->scalar;
}

// All documents as JSON, one a line; an error as "line:column text".
std::string Read(std::string_view text) {
  std::vector<std::string> lines;
  for (const Document& document : ParseDocuments(text)) {
    bool broken = false;
    for (const Problem& problem : document.problems) {
      broken |= problem.error;
      lines.push_back(StrCat(problem.error ? "error " : "warning ", problem.line, ":",
                             problem.column, " ", problem.text));
    }
    if (!broken) lines.push_back(AsJson(document.root));
  }
  return Join(lines, "\n");
}

TEST(Yaml, PlainScalarsAreReadAsKubectlReadsThem) {
  const char* const kTable[][2] = {
      {"yes", "true"},
      {"No", "false"},
      {"on", "true"},
      {"y", "true"},
      {"TRUE", "true"},
      {"tRUE", "\"tRUE\""},
      {"0755", "493"},
      {"0o755", "493"},
      {"0x1F", "31"},
      {"0b11", "3"},
      {"08", "8"},
      {"1_000", "1000"},
      {"+5", "5"},
      {"-0", "0"},
      {"1.0", "1"},
      {"1e3", "1000"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"1.", "1"},
      {"1e", "\"1e\""},
      {"12:30:45", "\"12:30:45\""},
      {"~", "null"},
      {"null", "null"},
      {"2020-01-01", "\"2020-01-01\""},
      {"0.1.2", "\"0.1.2\""},
      {"\"yes\"", "\"yes\""},
      {"'1'", "\"1\""},
      {"!!str 5", "\"5\""},
      {"!!int \"5\"", "5"},
      {"!!binary aGk=", "\"hi\""},
      {"<<", "\"<<\""},
      {"=", "\"=\""},
      {".inf", "unsupported .inf"},
      {"-", "[null]"},
      {"18446744073709551615", "18446744073709551615"},
      {"a#b", "\"a#b\""},
      {"a #b", "\"a\""},
      {"\"a\\'b\"", "\"a'b\""},
      {"a?", "\"a?\""},
      {"http://x:80/a", "\"http://x:80/a\""},
  };
  for (const auto& [text, json] : kTable) {
    auto documents = ParseDocuments(text);
    ASSERT_EQ(documents.size(), 1u) << text;
    ASSERT_TRUE(documents[0].problems.empty()) << text << ": " << documents[0].problems[0].text;
    EXPECT_EQ(AsJson(documents[0].root), json) << text;
  }
}

TEST(Yaml, DocumentsAndTraps) {
  const char* const kTable[][2] = {
      {"", ""},
      {"# only a comment\n", "null"},
      {"a: 1\n---\n\n---\nb: 2\n...\n---\nc: 3", "{\"a\":1}\nnull\n{\"b\":2}\n{\"c\":3}"},
      {"a: 1\n...\nb: 2\n", "{\"a\":1}\n{\"b\":2}"},
      {"--- # one\na: 1\n---\t\nb: 2\n", "{\"a\":1}\n{\"b\":2}"},
      {"--- {a: 1}\n", "{\"a\":1}"},
      {"a: |\n  ---\n  x\n", "{\"a\":\"---\\nx\\n\"}"},
      {"\xEF\xBB\xBF"
       "a: 1\r\nb: |\r\n  x\r\n  y\r\n",
       "{\"a\":1,\"b\":\"x\\ny\\n\"}"},
      {"a:\t1\t\nb: x\t# c\nc: [1,\t2]\t\nd: 'q'\t\n",
       "{\"a\":1,\"b\":\"x\",\"c\":[1,2],\"d\":\"q\"}"},
      {"a: |\n  x\ty\n  \tz\n", "{\"a\":\"x\\ty\\n\\tz\\n\"}"},
      {"a: |\t\n  x\n", "{\"a\":\"x\\n\"}"},
      {"{a: [x, {b: 'c',},], \"d\": y,}", "{\"a\":[\"x\",{\"b\":\"c\"}],\"d\":true}"},
      {"a: 1\na: 2\n",
       "warning 2:1 duplicate key; the first is on line 1, and this one is taken\n{\"a\":2}"},
      {"a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n",
       "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":{\"e\":2,\"b\":1}}"},
      {"a: x\n<<: [{a: 1, b: 2}, {b: 3, c: 4}]\n", "{\"a\":\"x\",\"b\":2,\"c\":4}"},
      {"1: a\n1.5: b\nyes: c\n", "{\"1\":\"a\",\"1.5\":\"b\",\"true\":\"c\"}"},
      {"{\"a\": 1}\n{\"b\": \"\\ud83d\\ude00\"}", "{\"a\":1}\n{\"b\":\"😀\"}"},
      {"a: 1\n---\n\xEF\xBB\xBF"
       "b: 2\n",
       "{\"a\":1}\n{\"b\":2}"},
      {"a: 1 # caf\xe9\nb: \"\xff\"\n",
       "warning 1:11 the text is not UTF-8; what cannot be read becomes U+FFFD\n"
       "{\"a\":1,\"b\":\"\xEF\xBF\xBD\"}"},
      {"a: !!binary /w==\n", "{\"a\":\"\xEF\xBF\xBD\"}"},
      {"{\n\t\"a\": [1.50, true, null, \"\\u0041\\/\"]\n}", "{\"a\":[1.5,true,null,\"A/\"]}"},
  };
  for (const auto& [text, json] : kTable) EXPECT_EQ(Read(text), json) << text;
}

// Windows' editors and shells write it.
TEST(Yaml, Utf16IsReadWhenItSaysSo) {
  auto wide = [](std::u16string_view text, bool little_endian) {
    std::string out;
    for (char16_t unit : text) {
      char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit);
      out += little_endian ? low : high;
      out += little_endian ? high : low;
    }
    return out;
  };
  for (bool little_endian : {true, false}) {
    EXPECT_EQ(Read(wide(u"\uFEFFa: \u00e9\r\nb: \U0001F433\r\n", little_endian)),
              "{\"a\":\"é\",\"b\":\"🐳\"}");
    EXPECT_EQ(Read(wide(u"\uFEFFa: \xD800", little_endian) + "x"),
              "{\"a\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  }
}

TEST(Yaml, WhatIsNotYamlIsRefusedAtItsPlace) {
  const char* const kTable[][2] = {
      {"a: b: c\n", "1:5 "},
      {"a: 'x\nb: y\n", "2:"},
      {"a: \"x", ""},
      {"a: [1, 2\nb: 3\n", ""},
      {"a: [1, , 2]\n", "1:8 "},
      {"a: [,]\n", "1:5 "},
      {"a: *nobody\n", "1:4 "},
      {"a: &x [*x]\n", "1:8 "},
      {"a: @x\n", "1:4 "},
      {"a: \"\\q\"\n", ""},
      {"a:\n  b: 1\n c: 2\n", "3:2 "},
      {"? [a]\n: b\n", "1:3 a key must be a string"},
      {"null: b\n", "1:1 a key must not be null"},
      {"<<: x\n", "1:5 map merge requires"},
      {"a: \x01\n", "1:4 control characters"},
      {"a:\n\tb: 1\n",
       "2:3 YAML: a \": \" where no key can be; a value that holds one needs quotes; "
       "this line is indented by a tab, and YAML wants spaces"},
      {"a: {{ .Values.x }}\n", "1:5 a key must be a string; a template must be rendered first"},
  };
  for (const auto& [text, where] : kTable) {
    std::string said = Read(text);
    EXPECT_EQ(said.rfind(StrCat("error ", where), 0), 0u) << text << " -> " << said;
  }
}

// One broken document leaves the others alone, and lines are counted through the whole text.
TEST(Yaml, PositionsAreThoseOfTheText) {
  auto documents = ParseDocuments("# c\na: 1\n---\nb:\n  - c: x\n    d:\n---\n[\n---\ne: 1\n");
  ASSERT_EQ(documents.size(), 4u);
  const Node* c = documents[1].root.Find("b")->items[0].Find("c");
  EXPECT_EQ(c->line, 5);
  EXPECT_EQ(c->column, 8);
  const Entry& d = documents[1].root.Find("b")->items[0].entries[1];
  EXPECT_EQ(d.line, 6);
  EXPECT_TRUE(d.value.IsNull());
  EXPECT_EQ(d.value.line, 6);
  ASSERT_EQ(documents[2].problems.size(), 1u);
  EXPECT_EQ(documents[3].root.entries[0].line, 10);
}

TEST(Yaml, BombsAreRefused) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string alias = StrCat("*a", i - 1);
    bomb += StrCat("a", i, ": &a", i, " [");
    for (int j = 0; j < 9; ++j) bomb += alias + ", ";
    bomb += alias + "]\n";
  }
  EXPECT_EQ(Read(bomb).rfind("error ", 0), 0u);

  std::string bytes = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb: [";
  for (int i = 0; i < 100; ++i) bytes += "*a, ";
  EXPECT_EQ(Read(bytes + "*a]\n").rfind("error 2:", 0), 0u);

  EXPECT_NE(Read(std::string(100000, '[')).find("error "), std::string::npos);
  EXPECT_NE(Read(std::string(100000, '{')).find("error "), std::string::npos);
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "- ";
  EXPECT_NE(Read(deep + "x\n").find("error "), std::string::npos);
  std::string chain = "a0: &a0 [x]\n";  // each alias one level deeper than the one before
  for (int i = 1; i < 1000; ++i) chain += StrCat("a", i, ": &a", i, " [*a", i - 1, "]\n");
  EXPECT_NE(Read(chain).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace kpod::kube
