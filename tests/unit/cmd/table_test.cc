#include "cmd/table.h"

#include <gtest/gtest.h>

namespace kpod::cmd {
namespace {

TEST(Table, AlignsByWhatIsSeen) {
  Table t({"NAME", "STATUS"});
  t.Add({"größe", "Up"});
  t.Add({"a", "\033[31m\nx"});
  t.Add({"short"});
  EXPECT_EQ(t.Text(0),
            "NAME    STATUS\n"
            "größe   Up\n"
            "a       ^[[31m\\nx\n"
            "short\n");
}

TEST(Table, OneColumnGivesWay) {
  Table t({"POD", "STATUS", "AGE"});
  t.Add({"web", "a message that is far too long for this", "5s"});
  t.Shrink(1);
  EXPECT_EQ(t.Text(36),
            "POD   STATUS                     AGE\n"
            "web   a message that is far...   5s\n");
  EXPECT_EQ(t.Text(10), t.Text(20));  // not below what can still be read
  EXPECT_NE(t.Text(0).find("for this"), std::string::npos);
  EXPECT_NE(t.Text(200).find("for this"), std::string::npos);
}

TEST(Table, GoesOnInTheSameColumns) {
  Table t({"A", "B"});
  t.Add({"long one", "x"});
  EXPECT_EQ(t.Next(), "A          B\nlong one   x\n");
  EXPECT_EQ(t.Next(), "");
  t.Add({"s", "y"});
  EXPECT_EQ(t.Next(), "s          y\n");
  t.Add({"longer than that", "z"});
  EXPECT_EQ(t.Next(), "longer than that   z\n");
}

TEST(AlignTabs, ColumnsLastAsLongAsLinesHaveThem) {
  EXPECT_EQ(AlignTabs("Name:\tweb\nNamespace:\tdefault\n"
                      "Containers:\n"
                      "  a:\tb\tc\n  long:\td\n  x:\tlonger\tc\n"),
            "Name:       web\nNamespace:  default\n"
            "Containers:\n"
            "  a:     b  c\n  long:  d\n  x:     longer  c\n");
  EXPECT_EQ(AlignTabs("Labels:\ta=b\n\tc=d\n"), "Labels:  a=b\n         c=d\n");
  EXPECT_EQ(AlignTabs(""), "");
  EXPECT_EQ(AlignTabs("Medium:\t\n"), "Medium:\n");
}

}  // namespace
}  // namespace kpod::cmd
