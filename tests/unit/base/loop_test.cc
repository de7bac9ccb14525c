#include "base/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace kpod {
namespace {

// Two descriptors are ready in one round; the first callback closes the other and watches a new one
// that gets its number. The new one is not ready and must not be told that it is.
TEST(Loop, AnEventOfAClosedDescriptorIsNotItsSuccessors) {
  Result<Loop> loop = Loop::Create();
  ASSERT_TRUE(loop.ok());
  Pipe one = MakePipe().value();
  Pipe two = MakePipe().value();
  ASSERT_EQ(::write(one.write.get(), "x", 1), 1);
  ASSERT_EQ(::write(two.write.get(), "x", 1), 1);
  int old_calls = 0;
  int new_calls = 0;
  Fd writer;
  auto replace = [&](const Fd& self, Fd* other) {
    ++old_calls;
    loop->Forget(self.get());
    int number = other->get();
    loop->Forget(number);
    other->Reset();
    Pipe pipe = MakePipe().value();
    if (pipe.read.get() == number) {
      *other = std::move(pipe.read);
    } else {
      *other = Fd(::dup2(pipe.read.get(), number));
    }
    writer = std::move(pipe.write);
    ASSERT_TRUE(loop->OnReadable(number, [&] { ++new_calls; }).ok());
  };
  ASSERT_TRUE(loop->OnReadable(one.read.get(), [&] { replace(one.read, &two.read); }).ok());
  ASSERT_TRUE(loop->OnReadable(two.read.get(), [&] { replace(two.read, &one.read); }).ok());
  ASSERT_TRUE(loop->Step(0).ok());
  EXPECT_EQ(old_calls, 1);
  EXPECT_EQ(new_calls, 0);
  ASSERT_EQ(::write(writer.get(), "x", 1), 1);
  ASSERT_TRUE(loop->Step(0).ok());
  EXPECT_EQ(new_calls, 1);
}

TEST(Loop, TimersComeInTheirOrderAndCanBeCancelled) {
  Result<Loop> loop = Loop::Create();
  ASSERT_TRUE(loop.ok());
  std::string order;
  loop->At(2, [&] { order += "b"; });
  loop->At(1, [&] { order += "a"; });
  Loop::TimerId never = loop->At(3, [&] { order += "x"; });
  loop->At(4, [&] {
    order += "c";
    loop->Stop();
  });
  loop->Cancel(never);
  ASSERT_TRUE(loop->Run().ok());
  EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace kpod
