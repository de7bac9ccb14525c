#include "pods/prober.h"

#include "tests/unit/pods/loopback.h"

namespace kpod::pods {
namespace {

TEST(ProbeTally, ARowOfEqualAnswersHolds) {
  struct Row {
    int success_threshold, failure_threshold;
    const char* answers;  // + success, - failure
    const char* holds;    // for each: does the answer hold?
  };
  const Row rows[] = {
      {1, 3, "+---", "y  y"},     {1, 3, "----+-", "  yyy "},   {1, 1, "-+-+", "yyyy"},
      {3, 1, "+++++", "  yyy"},   {2, 2, "+-+-", "    "},       {2, 2, "++--", " y y"},
      {1, 3, "--+--+", "  y  y"}, {2, 3, "--++-++", "   y  y"},
  };
  for (const Row& row : rows) {
    ProbeTally tally(row.success_threshold, row.failure_threshold);
    std::string holds;
    for (const char* a = row.answers; *a != '\0'; ++a) holds += tally.Add(*a == '+') ? 'y' : ' ';
    EXPECT_EQ(holds, row.holds) << row.answers;
  }
}

class ProberTest : public AttemptTest {
 protected:
  // Attempts that answer as the script says, one letter each: + - and ! for no answer.
  ProberTest() {
    context_.exec = [this](const std::vector<std::string>&, int) -> Result<runtime::Started> {
      char answer = script_[std::min(attempts_++, script_.size() - 1)];
      if (answer == '!') return Error("cannot be started");
      runtime::Started started;
      started.child = TRY(Fork([answer] { return answer == '+' ? 0 : 1; }));
      return started;
    };
    probe_.handler.exec = std::vector<std::string>{"x"};
    probe_.period = 1;
    probe_.timeout = 20;
  }

  Prober::Callbacks Told() {
    Prober::Callbacks callbacks;
    callbacks.result = [this](bool success, const std::string&) { told_ += success ? 'S' : 'F'; };
    callbacks.failed_attempt = [this](const std::string&) { told_ += 'f'; };
    callbacks.errored_attempt = [this](const std::string&) { told_ += 'e'; };
    return callbacks;
  }

  std::string script_, told_;
  size_t attempts_ = 0;
  kube::Probe probe_;
};

TEST_F(ProberTest, ThresholdsCountAttempts) {
  script_ = "--+";
  probe_.failure_threshold = 2;
  Prober prober(context_, probe_, Told());
  ASSERT_TRUE(StepUntil([&] { return attempts_ == 3 && told_.ends_with('S'); }));
  EXPECT_EQ(told_, "ffFS");
}

TEST_F(ProberTest, WhatGaveNoAnswerIsMadeAgainAtOnceAndCountsNeitherWay) {
  script_ = "!!-!!!+";
  probe_.failure_threshold = 1;
  Prober prober(context_, probe_, Told());
  ASSERT_TRUE(StepUntil([&] { return told_.ends_with('S'); }));
  EXPECT_EQ(told_, "fFeS");
  EXPECT_EQ(attempts_, 7u);
}

TEST_F(ProberTest, ACallbackMayDestroyIt) {
  for (char which : {'r', 'f', 'e'}) {
    script_ = which == 'e' ? "!" : "-";
    attempts_ = 0;
    probe_.failure_threshold = 1;
    std::unique_ptr<Prober> prober;
    Prober::Callbacks callbacks;
    auto end = [&] { prober.reset(); };
    if (which == 'r') callbacks.result = [end](bool, const std::string&) { end(); };
    if (which == 'f') {
      callbacks.failed_attempt = [end](const std::string&) { end(); };
      callbacks.result = [](bool, const std::string&) { FAIL() << "told after its end"; };
    }
    if (which == 'e') callbacks.errored_attempt = [end](const std::string&) { end(); };
    prober = std::make_unique<Prober>(context_, probe_, std::move(callbacks));
    EXPECT_TRUE(StepUntil([&] { return prober == nullptr; })) << which;
  }
}

TEST_F(ProberTest, NothingIsAskedAfterItsEnd) {
  script_ = "+";
  { Prober prober(context_, probe_, Told()); }
  probe_.initial_delay = 1000;
  Prober later(context_, probe_, Told());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(loop_.Step(10'000'000).ok());
  EXPECT_EQ(attempts_, 0u);
}

TEST_F(ProberTest, ARedirectThatIsNotFollowedIsASuccessThatIsTold) {
  LoopbackServer server(Answering(
      "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 2\r\n\r\nhi"));
  probe_.handler = HttpGet(server.port());
  Prober::Callbacks callbacks = Told();
  std::string warning;
  callbacks.warned_attempt = [&](const std::string& message) { warning = message; };
  Prober prober(context_, probe_, std::move(callbacks));
  ASSERT_TRUE(StepUntil([&] { return !told_.empty(); }));
  EXPECT_EQ(told_, "S");
  EXPECT_EQ(warning, "Probe terminated redirects, Response body: hi");
}

}  // namespace
}  // namespace kpod::pods
