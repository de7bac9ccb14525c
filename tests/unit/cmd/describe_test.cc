#include "cmd/describe.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "cmd/select.h"

namespace kpod::cmd {
namespace {

// One blank where there are several blanks and tabs: how far values are indented is AlignTabs'.
std::string Squeeze(std::string text) {
  text = ReplaceAll(std::move(text), "\t", " ");
  while (Contains(text, "  ")) text = ReplaceAll(std::move(text), "  ", " ");
  return text;
}

TEST(DescribeContainer, ProbesAndFields) {
  pods::ContainerPlan plan;
  plan.name = "c";
  kube::Container spec;
  spec.liveness_probe.emplace();
  spec.liveness_probe->handler.http_get.emplace();
  spec.liveness_probe->handler.http_get->path = "/live";
  spec.liveness_probe->handler.http_get->port.name = "web";
  spec.readiness_probe.emplace();
  spec.readiness_probe->handler.exec = {"cat", "/tmp/\033[2J"};
  spec.readiness_probe->period = 5;
  spec.startup_probe.emplace();
  spec.startup_probe->handler.tcp_socket.emplace();
  spec.startup_probe->handler.tcp_socket->port.number = 80;
  spec.env.resize(2);
  spec.env[0].name = "NODE";
  spec.env[0].field.emplace().field_path = "spec.nodeName";
  spec.env[1].name = "LINES";
  spec.env[1].value = "one\ntwo";
  std::string text = Squeeze(DescribeContainer(plan, &spec, nullptr));
  for (const char* line : {
           " Liveness: http-get http://:web/live delay=0s timeout=1s period=10s #success=1 "
           "#failure=3\n",
           " Readiness: exec [cat /tmp/^[[2J] delay=0s timeout=1s period=5s #success=1 "
           "#failure=3\n",
           " Startup: tcp-socket :80 delay=0s timeout=1s period=10s #success=1 #failure=3\n",
           " NODE: (v1:spec.nodeName)\n",
           " LINES: one\n two\n",
       }) {
    EXPECT_TRUE(Contains(text, line)) << line << text;
  }
}

TEST(DescribePod, ConditionsAndWhatIsGone) {
  pods::PodRecord record;
  record.plan.ns = "shop";
  record.plan.name = "web";
  record.plan.annotations = {{"long", std::string(200, 'x')}};
  record.plan.containers.resize(1);
  record.plan.containers[0].name = "c";
  record.status.host_ip = "192.0.2.1";
  record.plan.qos_class = "Guaranteed";
  record.status.conditions = {{"Ready", false, 1}, {"PodScheduled", true, 1}};
  PodToDescribe pod{record, nullptr, "node-1"};
  std::string text = Squeeze(DescribePod(pod, {}));
  for (const std::string& part :
       {std::string("Node: node-1/192.0.2.1\n"),
        StrCat("Annotations: long:\n ", std::string(200, 'x'), "\n"),
        std::string("Conditions:\n Type Status\n Ready False\n PodScheduled True\n"),
        std::string("Volumes: <none>\nQoS Class: Guaranteed\n"), std::string("Events: <none>\n")}) {
    EXPECT_TRUE(Contains(text, part)) << part << text;
  }
}

TEST(Filter, OfOneKeyAnyOfLabelsAll) {
  const std::vector<std::string> keys = {"name", "label", "status"};
  const std::vector<std::pair<std::string, std::string>> row = {
      {"name", "web-1"}, {"label", "app=web"}, {"label", "tier=front"}, {"status", "Running"}};
  struct Case {
    std::vector<std::string> words;
    bool fits;
  };
  const Case cases[] = {
      {{}, true},
      {{"name=web"}, true},
      {{"name=db", "name=eb-1"}, true},
      {{"name=web", "status=failed"}, false},
      {{"status=running"}, true},
      {{"status=run"}, false},
      {{"label=app"}, true},
      {{"label=app=web", "label=tier=front"}, true},
      {{"label=app=web", "label=tier=back"}, false},
      {{"label=ap"}, false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Filter::Parse(c.words, keys).value().Matches(row), c.fits) << Join(c.words, " ");
  EXPECT_FALSE(Filter::Parse({"name"}, keys));
  EXPECT_FALSE(Filter::Parse({"colour=red"}, keys));
}

}  // namespace
}  // namespace kpod::cmd
