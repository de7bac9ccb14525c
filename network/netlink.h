// Netlink messages and sockets (netlink(7)); libnl builds the messages and is seen here only.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

struct nl_msg;

namespace kpod::network {

class NetlinkMessage {
 public:
  // `what` begins the sentence of an error: "add route 10.0.0.1/32".
  NetlinkMessage(std::string what, uint16_t type, uint16_t flags);

  template <class T>
  NetlinkMessage& Fixed(const T& header) {
    static_assert(std::is_trivially_copyable_v<T>);
    return Append(&header, sizeof(header));
  }
  NetlinkMessage& Bytes(int attribute, std::string_view bytes);
  NetlinkMessage& Text(int attribute, std::string_view text);  // with its zero byte
  NetlinkMessage& U8(int attribute, uint8_t v);
  NetlinkMessage& U32(int attribute, uint32_t v);
  NetlinkMessage& Be32(int attribute, uint32_t v);
  template <class F>
  NetlinkMessage& Nest(int attribute, F&& fill) {
    nlattr* start = Begin(attribute);
    fill(*this);
    End(start);
    return *this;
  }
  template <class T>
  NetlinkMessage& Raw(const T& header) {  // a fixed structure inside a nest
    return Append(&header, sizeof(header));
  }
  // Errors that are as good as success ("File exists" when something is made to be there).
  NetlinkMessage& Accept(int error);
  std::string_view wire() const;  // the message as it is sent

 private:
  friend class NetlinkSocket;
  NetlinkMessage& Append(const void* data, size_t size);
  nlattr* Begin(int attribute);
  void End(nlattr* start);
  nlmsghdr* header() const;

  struct Free {
    void operator()(nl_msg* m) const;
  };
  std::unique_ptr<nl_msg, Free> message_;
  std::string what_;
  std::vector<int> accepted_;
};

// What a reply carries: the bytes after the netlink header.
struct NetlinkReply {
  uint16_t type = 0;
  std::string_view payload;
};
// The attribute `type` among those that begin at `offset` of `payload`.
std::optional<std::string_view> Attribute(std::string_view payload, size_t offset, int type);
std::optional<uint32_t> AttributeU32(std::string_view payload, size_t offset, int type);
template <class T>
std::optional<T> Prefix(std::string_view payload) {
  T out;
  if (payload.size() < sizeof(out)) return std::nullopt;
  __builtin_memcpy(&out, payload.data(), sizeof(out));
  return out;
}

// A netlink socket belongs for ever to the namespace it was made in, so one that is opened here
// with a namespace can be used from anywhere.
class NetlinkSocket {
 public:
  // netns_fd -1: the caller's namespace.
  static Result<NetlinkSocket> Open(int protocol, int netns_fd = -1);

  // For a batch of hundreds of messages: the kernel queues all its answers before one is read.
  void EnlargeBuffers();
  // Sends all in one go; the kernel takes them in order. The first error is returned, after all
  // were answered. Messages without NLM_F_ACK (the ends of an nftables batch) are not waited for.
  Status Run(std::vector<NetlinkMessage>& messages);
  Status Run(NetlinkMessage message);
  // A request with answers (NLM_F_DUMP or not).
  Status Query(NetlinkMessage message, const std::function<void(const NetlinkReply&)>& on_reply);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Status Send(std::string_view bytes);
  Result<std::string> Receive();

  Fd fd_;
  uint32_t sequence_ = 1;
};

}  // namespace kpod::network
