#include "cmd/cp.h"

#include <gtest/gtest.h>

#include "pods/copy.h"

namespace kpod::cmd {
namespace {

TEST(CopySpec, WhatIsOfAPodAndWhatIsNot) {
  struct Case {
    const char *word, *pod, *path;
  };
  for (const Case& c :
       {Case{"web:/etc", "web", "/etc"}, Case{"shop/web:a b", "shop/web", "a b"},
        Case{"web:/a:b", "web", "/a:b"}, Case{"deployment/web:x", "deployment/web", "x"},
        Case{"./a:b", "", "./a:b"}, Case{"../a:b", "", "../a:b"}, Case{"/a:b", "", "/a:b"},
        Case{"plain", "", "plain"}, Case{"-", "", "-"}}) {
    Result<CopySpec> spec = ParseCopySpec(c.word);
    ASSERT_TRUE(spec) << c.word;
    EXPECT_EQ(spec->pod, c.pod) << c.word;
    EXPECT_EQ(spec->path, c.path) << c.word;
  }
  for (const char* word : {"", ":/x", "web:", "shop/:/x"})
    EXPECT_FALSE(ParseCopySpec(word)) << word;
}

TEST(CopySpec, TheNameOfASource) {
  struct Case {
    const char *path, *name;
  };
  for (const Case& c :
       {Case{"a", "a"}, Case{"/a/b", "b"}, Case{"/a/b/", "b"}, Case{"a/b//", "b"}, Case{"a/.", "."},
        Case{".", "."}, Case{"..", "."}, Case{"/", "."}, Case{"a/..", "."}, Case{"a/./", "."}}) {
    EXPECT_EQ(pods::CopyName(c.path), c.name) << c.path;
  }
}

}  // namespace
}  // namespace kpod::cmd
