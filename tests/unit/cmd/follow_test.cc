#include "cmd/follow.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::cmd {
namespace {

using Strings = std::vector<std::string>;

class Follow : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-unit-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    path_ = dir_ + "/log";
  }
  void TearDown() override { (void)RemoveAll(dir_); }

  void Write(const std::string& text) {
    Fd fd = std::move(Open(path_, O_WRONLY | O_APPEND | O_CREAT, 0600).value());
    ASSERT_TRUE(WriteAll(fd.get(), text));
  }
  // As LogWriter does; `files` old ones are kept.
  void Rotate(int files = 3) {
    for (int i = files; i >= 1; --i) {
      std::string from = i == 1 ? path_ : StrCat(path_, ".", i - 1);
      (void)::rename(from.c_str(), StrCat(path_, ".", i).c_str());
    }
    Write("");
  }
  Strings Read(FilePosition* end) {
    Strings lines;
    std::vector<std::string> parts = ReadParts(path_, end).value();
    for (const std::string& part : parts) {
      for (std::string& line : Split(part, '\n')) {
        if (!line.empty()) lines.push_back(std::move(line));
      }
    }
    return lines;
  }

  std::string dir_, path_;
};

TEST_F(Follow, GoesOnWhereReadingEnded) {
  FilePosition end;
  EXPECT_EQ(Read(&end), Strings());
  Write("1\n2\nhal");
  EXPECT_EQ(Read(&end), (Strings{"1", "2"}));
  FileFollower follower(path_, std::move(end));
  EXPECT_EQ(follower.Poll(), Strings());
  Write("f\n3\n");
  EXPECT_EQ(follower.Poll(), (Strings{"half", "3"}));
  EXPECT_EQ(follower.Poll(), Strings());
}

TEST_F(Follow, PartsComeOldestFirstAlsoInTheMiddleOfARotation) {
  Write("1\n");
  Rotate();
  Write("2\n");
  Rotate();
  Write("3\n");
  // One name is missing at a time.
  ASSERT_EQ(::rename((path_ + ".2").c_str(), (path_ + ".3").c_str()), 0);
  FilePosition end;
  EXPECT_EQ(Read(&end), (Strings{"1", "2", "3"}));
  ASSERT_EQ(::rename((path_ + ".1").c_str(), (path_ + ".2").c_str()), 0);
  EXPECT_EQ(Read(&end), (Strings{"1", "2", "3"}));
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  EXPECT_EQ(Read(&end), (Strings{"1", "2", "3"}));
}

TEST_F(Follow, ARotationNeitherLosesNorDoublesALine) {
  Write("1\n");
  FilePosition end;
  EXPECT_EQ(Read(&end), Strings{"1"});
  // Between reading and following, the file is renamed, twice.
  Write("2\n");
  Rotate();
  Write("3\n");
  Rotate();
  Write("4\n");
  FileFollower follower(path_, std::move(end));
  EXPECT_EQ(follower.Poll(), (Strings{"2", "3", "4"}));
  Write("5\n");
  Rotate();
  EXPECT_EQ(follower.Poll(), Strings{"5"});
  Write("6\n");
  EXPECT_EQ(follower.Poll(), Strings{"6"});
}

TEST_F(Follow, WhatWasRotatedAwayIsLeftOut) {
  Write("1\n");
  FilePosition end;
  (void)Read(&end);
  for (int i = 2; i < 9; ++i) {
    Rotate(2);
    Write(StrCat(i, "\n"));
  }
  FileFollower follower(path_, std::move(end));
  EXPECT_EQ(follower.Poll(), (Strings{"6", "7", "8"}));
}

TEST_F(Follow, AFileThatComesLater) {
  FileFollower follower(path_);
  EXPECT_EQ(follower.Poll(), Strings());
  Write("1\n");
  EXPECT_EQ(follower.Poll(), Strings{"1"});
}

}  // namespace
}  // namespace kpod::cmd
