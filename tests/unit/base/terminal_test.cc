#include "base/terminal.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace kpod {
namespace {

TEST(Printable, ShowsWhatATerminalWouldObey) {
  struct Case {
    std::string_view text, shown;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"", ""},
      {"plain text, \"quoted\" \\ back", "plain text, \"quoted\" \\ back"},
      {"\033[31mred\033]0;title\007", "^[[31mred^[]0;title^G"},
      {"a\rb\tc\nd", "a\\rb\\tc\\nd"},
      {"nul\0del\177"sv, "nul^@del^?"},
      {"größe — 名前 😀", "größe — 名前 😀"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"},                             // CSI as one character
      {"\x9b\xff", "\\x9b\\xff"},                    // and as one byte
      {"\xe2\x80\xae", "\\xe2\\x80\\xae"},           // right to left, overridden
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"cut\xe5\x90", "cut\\xe5\\x90"},
  };
  for (const Case& c : cases) EXPECT_EQ(Printable(c.text), c.shown);
  EXPECT_EQ(Printable("a\tb\r\n\033", true), "a\tb\\r\n^[");
}

TEST(Printable, NothingThatATerminalObeysIsLeftOfAnyTwoBytes) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      std::string text = {static_cast<char>(a), static_cast<char>(b)};
      std::string shown = Printable(text);
      for (size_t i = 0; i < shown.size(); ++i) {
        auto byte = static_cast<unsigned char>(shown[i]);
        ASSERT_TRUE(byte >= 0x20 && byte != 0x7f) << Hex(text);
        bool c1 =
            byte == 0xc2 && i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) < 0xa0;
        ASSERT_FALSE(c1) << Hex(text);
      }
      ASSERT_EQ(Printable(shown), shown) << Hex(text);
    }
  }
}

TEST(DisplayWidth, CountsCharacters) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("größe"), 5U);
}

}  // namespace
}  // namespace kpod
