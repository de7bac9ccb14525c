// Bytes between two connected stream sockets, both ways, on a loop. Who has said all (a half-close)
// is heard by the other, who may go on; who resets the connection resets the other.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"

namespace kpod {

class Relay {
 public:
  // Both non-blocking. `done` is called once, from the loop; it may destroy the relay.
  Relay(Loop* loop, Fd a, Fd b, std::function<void()> done);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();
  Status Start();

 private:
  struct Direction {
    int from, to;
    std::string pending;  // read, and not yet taken by `to`
    bool ended = false;   // `from` has said all
    bool closed = false;  // and `to` has been told
  };
  size_t Send(Direction* d, const char* bytes, size_t size);
  bool Pump(Direction* d);
  void OnReady();
  void Watch(int fd, const Direction& out, const Direction& in);

  Loop* loop_;
  Fd a_, b_;
  Direction forth_, back_;
  bool broken_ = false;
  std::function<void()> done_;
};

// The peer of a connection closed after this hears of a reset, not of an orderly end.
void CloseWithReset(Fd socket);

}  // namespace kpod
