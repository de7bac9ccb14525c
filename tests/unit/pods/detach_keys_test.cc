#include "pods/detach_keys.h"

#include <gtest/gtest.h>

#include <vector>

namespace kpod::pods {
namespace {

struct Case {
  const char* keys;
  std::vector<std::string> typed;
  const char* text;  // what reaches the container
  bool detached;
};

TEST(DetachKeys, FoundInWhatIsTyped) {
  const char p = 'P' & 0x1f;
  const char q = 'Q' & 0x1f;
  std::string both{p, q};
  std::string p_only{p};
  for (const Case& c : {
           Case{"ctrl-p,ctrl-q", {"ls\r"}, "ls\r", false},
           Case{"ctrl-p,ctrl-q", {both}, "", true},
           Case{"ctrl-p,ctrl-q", {"ab" + both + "cd"}, "ab", true},
           Case{"ctrl-p,ctrl-q", {{p}, {q}}, "", true},
           Case{"ctrl-p,ctrl-q", {{p}}, "", false},  // held until the next tells
           Case{"ctrl-p,ctrl-q", {{p}, "x"}, "\x10x", false},
           Case{"ctrl-p,ctrl-q", {{p}, {p}, {q}}, "\x10", true},
           Case{"ctrl-p,ctrl-q", {{q, p}}, "\x11", false},
           Case{"a,a,b", {"aaab"}, "a", true},
           Case{"a,a,b", {"aab"}, "", true},
           Case{"a,b,a,c", {"ababac"}, "ab", true},
           Case{"x", {"axb"}, "a", true},
           Case{"", {both}, "\x10\x11", false},
           Case{"ctrl-@", {std::string(1, '\0')}, "", true},
           Case{"ctrl-],~,.", {"\x1d~."}, "", true},
       }) {
    Result<DetachKeys> keys = DetachKeys::Parse(c.keys);
    ASSERT_TRUE(keys) << c.keys;
    std::string text;
    bool detached = false;
    for (const std::string& piece : c.typed) {
      DetachKeys::Typed typed = keys->Feed(piece);
      text += typed.text;
      detached = detached || typed.detached;
    }
    EXPECT_EQ(text, c.text) << c.keys;
    EXPECT_EQ(detached, c.detached) << c.keys;
  }
}

TEST(DetachKeys, WhatIsNoKey) {
  for (const char* text : {"ctrl-", "ctrl-pq", "ctrl-1", "pq", "a,,b", "ctrl-p,", "alt-x"}) {
    EXPECT_FALSE(DetachKeys::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace kpod::pods
