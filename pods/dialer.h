// Connects to host:port without blocking, a name's addresses in turn. Errors are Go's net.Dial's:
// "dial tcp 10.0.0.1:80: connect: connection refused".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"
#include "network/lookup.h"

namespace kpod::pods {

class Dialer {
 public:
  Dialer(Loop* loop, std::string host, int port, int netns_fd);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // `done` gets a connected, non-blocking socket. It may be called before Start returns, and may
  // destroy the dialer.
  void Start(std::function<void(Result<Fd>)> done);
  // What is under way, for whoever gives up: "dial tcp 10.0.0.1:80".
  std::string Describe() const;

 private:
  void OnAddresses(Result<std::vector<std::string>> addresses);
  void TryNext();
  Result<bool> Connect(const std::string& address);  // true: connected already
  void OnWritable();
  void Failed(Error error);
  void Close();

  Loop* loop_;
  std::string host_;
  int port_;
  int netns_fd_;
  std::function<void(Result<Fd>)> done_;
  std::unique_ptr<network::Lookup> lookup_;
  std::vector<std::string> addresses_;
  size_t next_ = 0;
  Fd socket_;
  std::optional<Error> first_error_;
};

// "10.0.0.1:80", "[::1]:80".
std::string JoinHostPort(const std::string& host, int port);
// For exchanges of more than one message each way: none waits for an acknowledgement of the last.
void SendAtOnce(int socket);
// As Go writes an errno: "connection refused".
std::string ErrnoText(int code);

// "10.0.0.1:40312->10.0.0.1:80" of a connected socket.
std::string EndsOf(int socket);

}  // namespace kpod::pods
