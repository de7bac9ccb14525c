// What https://pkg.go.dev/text/template says, by tables.
#include "cmd/template.h"

#include <gtest/gtest.h>

#include <string>

namespace kpod::cmd {
namespace {

const Json& Dot() {
  static const Json dot = Json::parse(R"({
    "Name": "web", "Count": 3, "Ratio": 1.5, "Up": true, "Down": false, "Empty": "", "None": null,
    "List": ["a", "b", "c"], "Labels": {"b": "2", "a": "1"}, "Deep": {"In": {"Side": "x"}},
    "Ports": [{"Port": 80}, {"Port": 443}]})");
  return dot;
}

std::string Print(std::string_view text) {
  Result<Template> t = Template::Parse(text);
  if (!t) return "ERROR " + t.error().message();
  Result<std::string> out = t->Run(Dot());
  return out ? *out : "ERROR " + out.error().message();
}

struct Case {
  const char* text;
  const char* want;
};

class Good : public testing::TestWithParam<Case> {};
TEST_P(Good, Prints) { EXPECT_EQ(Print(GetParam().text), GetParam().want) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    Values, Good,
    testing::Values(Case{"", ""}, Case{"plain } { text", "plain } { text"},
                    Case{"{{.Name}}", "web"}, Case{"<{{ .Name }}>", "<web>"},
                    Case{"{{.Count}} {{.Ratio}} {{.Up}}", "3 1.5 true"},
                    Case{"{{.List}} {{.Labels}}", "[a b c] map[a:1 b:2]"},
                    Case{"{{.Deep.In.Side}}", "x"}, Case{"{{.None}}", "<no value>"},
                    Case{"{{.Labels.c}}", "<no value>"}, Case{"{{$.Name}}", "web"},
                    Case{"{{\"a\\tb\"}}{{`c\\n`}}", "a\tbc\\n"}, Case{"{{-3}}", "-3"},
                    Case{"{{/* a comment }} */}}x", "x"}, Case{"{{\"}}\"}}", "}}"},
                    Case{"a {{- .Name -}} b", "awebb"}, Case{"a  {{- /* c */ -}}  b", "ab"},
                    Case{"{{(index .Ports 1).Port}}", "443"}, Case{"{{true}}", "true"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, Good,
    testing::Values(Case{"{{json .List}}", R"(["a","b","c"])"}, Case{"{{.Name | upper}}", "WEB"},
                    Case{"{{upper .Name | lower}}", "web"},
                    Case{"{{title \"one two\"}}", "One Two"}, Case{"{{join .List \",\"}}", "a,b,c"},
                    Case{"{{split \"a:b\" \":\"}}", "[a b]"}, Case{"{{len .List}}", "3"},
                    Case{"{{len .Name}}", "3"}, Case{"{{index .List 1}}", "b"},
                    Case{"{{index .Labels \"a\"}}", "1"}, Case{"{{index .Ports 0 \"Port\"}}", "80"},
                    Case{"{{truncate .Name 2}}", "we"}, Case{"{{pad .Name 1 2}}|", " web  |"},
                    Case{"{{print .Name 1}}", "web1"}, Case{"{{println .Name 1}}", "web 1\n"},
                    Case{"{{printf \"%s-%03d %q %5s|%-5s|%%\" .Name 7 \"q\" \"r\" \"l\"}}",
                         "web-007 \"q\"     r|l    |%"},
                    Case{"{{eq .Count 3}} {{eq .Name \"a\" \"web\"}} {{ne 1 1}}",
                         "true true false"},
                    Case{"{{lt 1 2}}{{le 2 2}}{{gt \"b\" \"a\"}}{{ge 1 2}}", "truetruetruefalse"},
                    Case{"{{and .Up .Name}} {{or .Empty \"d\"}} {{not .Up}}", "web d false"}));

INSTANTIATE_TEST_SUITE_P(
    Blocks, Good,
    testing::Values(Case{"{{if .Up}}y{{else}}n{{end}}", "y"},
                    Case{"{{if .Empty}}y{{else}}n{{end}}", "n"},
                    Case{"{{if .Down}}1{{else if .Up}}2{{else}}3{{end}}", "2"},
                    Case{"{{if .Down}}1{{else if .None}}2{{else}}3{{end}}4", "34"},
                    Case{"{{with .Deep.In}}{{.Side}}{{end}}", "x"},
                    Case{"{{with .None}}1{{else}}2{{end}}", "2"},
                    Case{"{{range .List}}<{{.}}>{{end}}", "<a><b><c>"},
                    Case{"{{range $i, $e := .List}}{{$i}}{{$e}} {{end}}", "0a 1b 2c "},
                    Case{"{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"},
                    Case{"{{range .None}}1{{else}}2{{end}}", "2"},
                    Case{"{{range .Ports}}{{.Port}}{{$.Name}} {{end}}", "80web 443web "},
                    Case{"{{$x := .Name}}{{$x}}{{$x = \"b\"}}{{$x}}", "webb"},
                    Case{"{{range .List}}{{if eq . \"b\"}}{{.}}{{end}}{{end}}", "b"}));

INSTANTIATE_TEST_SUITE_P(
    Errors, Good,
    testing::Values(
        Case{"{{.Nmae}}", "ERROR template: there is no field Nmae: did you mean Name?"},
        Case{"{{.Name.Deeper}}", "ERROR template: can't evaluate field Deeper in web"},
        Case{"{{.Name", "ERROR template: column 1: {{ without }}"},
        Case{"{{}}", "ERROR template: column 3: a value is missing before }}"},
        Case{"{{if .Up}}", "ERROR template: column 3: an {{end}} is missing"},
        Case{"x{{end}}", "ERROR template: column 4: unexpected {{end}}"},
        Case{"{{if .Up}}{{else}}{{else}}{{end}}", "ERROR template: column 21: a second {{else}}"},
        Case{"{{uper .Name}}",
             "ERROR template: column 3: function \"uper\" is not defined: did you mean upper?"},
        Case{"{{.Name .Count}}", "ERROR template: column 15: only a function takes arguments"},
        Case{"{{(.Name}}", "ERROR template: column 9: a ) is missing"},
        Case{"{{\"a}}", "ERROR template: column 1: {{ without }}"},
        Case{"{{$y}}", "ERROR template: undefined variable \"$y\""},
        Case{"{{len 3}}", "ERROR template: len of 3: it has no length"},
        Case{"{{index .List 9}}", "ERROR template: index: 9 is out of range, there are 3"},
        Case{"{{lt .Name 1}}", "ERROR template: only two numbers or two strings have an order"},
        Case{"{{upper}}", "ERROR template: upper: wrong number of arguments: 0, wanted 1"},
        Case{"{{range .Name}}{{end}}", "ERROR template: range over web: it is no list"}));

TEST(Template, FieldsAreTheHeaderOfATable) {
  EXPECT_EQ(Template::Parse("{{.Name}}\t{{.Deep.In | upper}}\t{{len .List}}")->Fields(),
            (std::vector<std::string>{"Name", "In", "List"}));
}

// Hostile depth ends in an error, not in the stack's.
TEST(Template, DepthIsLimited) {
  std::string open(100'000, '(');
  EXPECT_EQ(Print("{{" + open + "}}"), "ERROR template: column 68: too many parentheses");
  std::string blocks;
  for (int i = 0; i < 10'000; ++i) blocks += "{{if .Up}}";
  EXPECT_NE(Print(blocks).find("too many blocks"), std::string::npos);
}

}  // namespace
}  // namespace kpod::cmd
