#include "kube/types.h"

#include <gtest/gtest.h>

#include <string>

namespace kpod::kube {
namespace {

TEST(LabelSelector, MatchesAsKubernetesDoes) {
  const StringMap labels = {{"app", "web"}, {"tier", "front"}, {"empty", ""}};
  struct {
    const char* selector;
    bool matches;
  } cases[] = {
      {"", true},
      {"app=web", true},
      {"app==web", true},
      {" app = web , tier=front ", true},
      {"app=db", false},
      {"none=web", false},
      {"app=web,tier=back", false},
      {"app!=db", true},
      {"app!=web", false},
      {"none!=x", true},
      {"app in (db, web)", true},
      {"app in (db)", false},
      {"app in(web),tier in (a,front)", true},
      {"none in (a)", false},
      {"app notin (web)", false},
      {"app notin (db)", true},
      {"none notin (db)", true},
      {"app", true},
      {"none", false},
      {"!none", true},
      {"! none", true},
      {"!app", false},
      {"empty=", true},
      {"app=", false},
      {"empty in ()", true},
  };
  for (const auto& c : cases) {
    auto selector = ParseSelector(c.selector);
    ASSERT_TRUE(selector.ok()) << c.selector << ": " << selector.error().message();
    EXPECT_EQ(selector->Matches(labels), c.matches) << c.selector;
  }
}

TEST(LabelSelector, RefusesWhatIsNone) {
  for (const char* bad :
       {",", "a=b,", "=b", "!", "!a=b", "a b", "a in b", "a in (b", "a in b)", "a within (b)",
        "a=b=c", "in (b)", "a in (b,(c))", "a>1", "a in (b)c", "()", ")", "("}) {
    EXPECT_FALSE(ParseSelector(bad).ok()) << bad;
  }
}

TEST(LabelSelector, AnUnknownOperatorSelectsNothing) {
  LabelSelector selector;
  selector.match_expressions = {{"app", "Near", {"web"}}};
  EXPECT_FALSE(selector.Matches({{"app", "web"}}));
  selector.match_expressions.clear();
  selector.match_labels = {{"app", "web"}};
  EXPECT_TRUE(selector.Matches({{"app", "web"}, {"x", "y"}}));
  EXPECT_FALSE(selector.Matches({{"app", "x"}}));
}

}  // namespace
}  // namespace kpod::kube
