#include "pods/log_writer.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/files.h"
#include "base/text.h"

namespace kpod::pods {
namespace {

class LogWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-unit-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    pipe_ = MakePipe().value();
  }
  void TearDown() override { (void)RemoveAll(dir_); }

  LogWriter Make(uint64_t max_bytes) {
    LogWriter::Options options;
    options.path = dir_ + "/log";
    options.max_bytes = max_bytes;
    options.max_files = 3;
    return std::move(LogWriter::Create(options).value());
  }

  void Feed(LogWriter* log, const std::string& text) {
    ASSERT_TRUE(WriteAll(pipe_.write.get(), text));
    ASSERT_TRUE(log->Drain(pipe_.read.get(), LogWriter::Stream::kStdout).value());
  }

  // The lines of a part without their times: "F text".
  std::vector<std::string> Lines(const std::string& name) {
    std::vector<std::string> out;
    for (const std::string& line : Split(ReadFile(dir_ + "/" + name).value_or(""), '\n')) {
      if (!line.empty()) out.push_back(line.substr(line.find(" stdout ") + 8));
    }
    return out;
  }

  std::string dir_;
  Pipe pipe_;
};

using Strings = std::vector<std::string>;

TEST_F(LogWriterTest, RotatesWhereALineBegins) {
  LogWriter log = Make(100);
  Feed(&log, "whole\nbegin");
  Feed(&log, "ning");
  Feed(&log, " end\n");
  Feed(&log, "next\n");
  EXPECT_EQ(Lines("log.1"), (Strings{"F whole", "P begin", "P ning", "F  end"}));
  EXPECT_EQ(Lines("log"), (Strings{"F next"}));
}

TEST_F(LogWriterTest, ALineWithoutAnEndIsRotatedInTheEnd) {
  LogWriter log = Make(200);
  for (int i = 0; i < 40; ++i) Feed(&log, "dots......");
  uint64_t size = ReadFile(dir_ + "/log").value().size();
  EXPECT_LT(size, 500U);
  EXPECT_TRUE(Exists(dir_ + "/log.2"));
  EXPECT_FALSE(Exists(dir_ + "/log.3"));
}

}  // namespace
}  // namespace kpod::pods
