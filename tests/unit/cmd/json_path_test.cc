#include "cmd/json_path.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace kpod::cmd {
namespace {

TEST(JsonPath, WhatItLeadsTo) {
  const Json object = Json::parse(R"J({
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "w"}},
    "status": {"phase": "Running", "n": 3,
      "conditions": [{"type": "Ready", "status": "True"}, {"type": "Scheduled", "status": "True", "extra": 1}],
      "containers": [{"ready": true, "restarts": 2}, {"ready": false, "restarts": 0}]}})J");
  struct Case {
    const char *path, *want;
  };
  for (const Case& c : {Case{"{.status.phase}", "\"Running\""},
                        Case{".status.phase", "\"Running\""},
                        Case{"status.phase", "\"Running\""},
                        Case{"{$.status.n}", "3"},
                        Case{"{.metadata['name']}", "\"web\""},
                        Case{"{.metadata.labels.app\\.kubernetes\\.io/name}", "\"w\""},
                        Case{"{.metadata.labels[\"app.kubernetes.io/name\"]}", "\"w\""},
                        Case{"{.status.containers[0].restarts}", "2"},
                        Case{"{.status.containers[-1].restarts}", "0"},
                        Case{"{.status.containers[2]}", ""},
                        Case{"{.status.containers[-3]}", ""},
                        Case{"{.status.containers[*].ready}", "true false"},
                        Case{"{.status.conditions[?(@.type==\"Ready\")].status}", "\"True\""},
                        Case{"{.status.conditions[?(@.type != 'Ready')].type}", "\"Scheduled\""},
                        Case{"{.status.conditions[?(@.extra)].type}", "\"Scheduled\""},
                        Case{"{.status.containers[?(@.ready==true)].restarts}", "2"},
                        Case{"{.status.containers[?(@.restarts==0)].ready}", "false"},
                        Case{"{.metadata.labels.*}", "\"w\""},
                        Case{"{.nothing.at.all}", ""},
                        Case{"{.status.phase.deeper}", ""},
                        Case{"{.status.phase[0]}", ""}}) {
    Result<JsonPath> path = JsonPath::Parse(c.path);
    ASSERT_TRUE(path.ok()) << c.path << ": " << path.error().message();
    std::vector<std::string> found;
    for (const Json* j : path->Find(object)) found.push_back(Dump(*j));
    EXPECT_EQ(Join(found, " "), c.want) << c.path;
  }
}

TEST(JsonPath, WhatIsNone) {
  for (const char* text :
       {"", "{}", "{.a", "{.a..b}", "{.}", "{.a[}", "{.a[x]}", "{.a[0}", "{.a['x}", "{.a[?(@.b==]}",
        "{.a[?(b==1)]}", "{.a[?(@.b==1]}", "{.a[?(@.b==nothing)]}", "{.a[0]b}"}) {
    EXPECT_FALSE(JsonPath::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace kpod::cmd
