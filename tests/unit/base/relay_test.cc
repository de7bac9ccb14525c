#include "base/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/files.h"

namespace kpod {
namespace {

struct Pair {
  Fd ours, theirs;
};

Pair MakePair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return {Fd(fds[0]), Fd(fds[1])};
}

class RelayTest : public testing::Test {
 protected:
  // The two peers of a new relay.
  std::pair<Fd, Fd> Connect() {
    Pair a = MakePair();
    Pair b = MakePair();
    ++open_;
    relays_.push_back(
        std::make_unique<Relay>(&*loop_, std::move(a.ours), std::move(b.ours), [this] {
          if (--open_ == 0) loop_->Stop();
        }));
    EXPECT_TRUE(relays_.back()->Start());
    return {std::move(a.theirs), std::move(b.theirs)};
  }

  Result<Loop> loop_ = Loop::Create();
  std::vector<std::unique_ptr<Relay>> relays_;
  int open_ = 0;
};

TEST_F(RelayTest, MuchBothWaysAndOneHalfEndsFirst) {
  static constexpr size_t kBytes = 5 << 20;
  std::vector<std::thread> peers;
  std::vector<size_t> back(8);
  for (size_t& count : back) {
    auto [client, server] = Connect();
    peers.emplace_back([fd = client.Release(), &count] {
      Fd own(fd);
      std::thread sender([fd] {
        EXPECT_TRUE(WriteAll(fd, std::string(kBytes, 'c')));
        ::shutdown(fd, SHUT_WR);
      });
      count = ReadAll(fd)->size();
      sender.join();
    });
    peers.emplace_back([fd = server.Release()] {  // answers when it has heard all
      Fd own(fd);
      EXPECT_EQ(ReadAll(fd)->size(), kBytes);
      EXPECT_TRUE(WriteAll(fd, std::string(kBytes, 's')));
    });
  }
  ASSERT_TRUE(loop_->Run());
  for (std::thread& t : peers) t.join();
  for (size_t count : back) EXPECT_EQ(count, kBytes);
}

TEST_F(RelayTest, WhatWasSaidBeforeTheEndArrives) {
  auto [client, server] = Connect();
  ASSERT_TRUE(WriteAll(server.get(), "refused: too long"));
  server.Reset();  // without having read
  ASSERT_TRUE(WriteAll(client.get(), "a long request"));
  std::thread run([&] { EXPECT_TRUE(loop_->Run()); });
  EXPECT_EQ(*ReadAll(client.get()), "refused: too long");
  client.Reset();
  run.join();
  EXPECT_EQ(open_, 0);
}

TEST_F(RelayTest, ANewPairIsIdleUntilSomebodySpeaks) {
  auto [client, server] = Connect();
  ASSERT_TRUE(loop_->Step(0));
  client.Reset();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(loop_->Step(0));
  char byte;
  EXPECT_EQ(::read(server.get(), &byte, 1), 0);  // the end went through, and is not spun on
  EXPECT_EQ(open_, 1);
  server.Reset();
  ASSERT_TRUE(loop_->Run());
}

}  // namespace
}  // namespace kpod
