#include "network/netlink.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

#include "base/text.h"
#include "network/namespace.h"

namespace kpod::network {

void NetlinkMessage::Free::operator()(nl_msg* m) const { ::nlmsg_free(m); }

NetlinkMessage::NetlinkMessage(std::string what, uint16_t type, uint16_t flags)
    : message_(::nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)), what_(std::move(what)) {}

NetlinkMessage& NetlinkMessage::Append(const void* data, size_t size) {
  ::nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO);
  return *this;
}

NetlinkMessage& NetlinkMessage::Bytes(int attribute, std::string_view bytes) {
  ::nla_put(message_.get(), attribute, static_cast<int>(bytes.size()), bytes.data());
  return *this;
}

NetlinkMessage& NetlinkMessage::Text(int attribute, std::string_view text) {
  ::nla_put_string(message_.get(), attribute, std::string(text).c_str());
  return *this;
}

NetlinkMessage& NetlinkMessage::U8(int attribute, uint8_t v) {
  ::nla_put_u8(message_.get(), attribute, v);
  return *this;
}

NetlinkMessage& NetlinkMessage::U32(int attribute, uint32_t v) {
  ::nla_put_u32(message_.get(), attribute, v);
  return *this;
}

NetlinkMessage& NetlinkMessage::Be32(int attribute, uint32_t v) {
  return U32(attribute, __builtin_bswap32(v));
}

NetlinkMessage& NetlinkMessage::Accept(int error) {
  accepted_.push_back(error);
  return *this;
}

nlattr* NetlinkMessage::Begin(int attribute) { return ::nla_nest_start(message_.get(), attribute); }

void NetlinkMessage::End(nlattr* start) { ::nla_nest_end(message_.get(), start); }

std::string_view NetlinkMessage::wire() const {
  return {reinterpret_cast<const char*>(header()), header()->nlmsg_len};
}

nlmsghdr* NetlinkMessage::header() const { return ::nlmsg_hdr(message_.get()); }

std::optional<std::string_view> Attribute(std::string_view payload, size_t offset, int type) {
  while (payload.size() >= offset + sizeof(nlattr)) {
    nlattr head = *Prefix<nlattr>(payload.substr(offset));
    if (head.nla_len < sizeof(nlattr) || head.nla_len > payload.size() - offset) break;
    if ((head.nla_type & NLA_TYPE_MASK) == type) {
      return payload.substr(offset + sizeof(nlattr), head.nla_len - sizeof(nlattr));
    }
    offset += NLMSG_ALIGN(head.nla_len);
  }
  return std::nullopt;
}

std::optional<uint32_t> AttributeU32(std::string_view payload, size_t offset, int type) {
  std::optional<std::string_view> bytes = Attribute(payload, offset, type);
  return bytes ? Prefix<uint32_t>(*bytes) : std::nullopt;
}

Result<NetlinkSocket> NetlinkSocket::Open(int protocol, int netns_fd) {
  Fd fd = TRY(SocketIn(netns_fd, AF_NETLINK, SOCK_RAW, protocol).Context("netlink socket"));
  int one = 1;
  // Extended acks carry the kernel's own sentence (4.12); without them errno must do.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
  timeval limit{.tv_sec = 10, .tv_usec = 0};  // a lost ack must not hang a command for ever
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  return NetlinkSocket(std::move(fd));
}

void NetlinkSocket::EnlargeBuffers() {
  int bytes = 8 << 20;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

Status NetlinkSocket::Send(std::string_view bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    ssize_t n = ::sendto(fd_.get(), bytes.data(), bytes.size(), 0,
                         reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
    if (n >= 0) return OkStatus();
    if (errno != EINTR) return Error::Errno("netlink send");
  }
}

Result<std::string> NetlinkSocket::Receive() {
  for (;;) {
    ssize_t size = ::recv(fd_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error::Errno("netlink receive");
    std::string bytes(static_cast<size_t>(std::max<ssize_t>(size, NLMSG_HDRLEN)), '\0');
    ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::Errno("netlink receive");
    bytes.resize(static_cast<size_t>(n));
    return bytes;
  }
}

namespace {

// Calls `each` for every message of a datagram until it says stop (returns false).
template <class F>
void ForEachMessage(std::string_view datagram, F&& each) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr head = *Prefix<nlmsghdr>(datagram);
    if (head.nlmsg_len < sizeof(nlmsghdr) || head.nlmsg_len > datagram.size()) return;
    each(head, datagram.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN));
    datagram.remove_prefix(std::min<size_t>(NLMSG_ALIGN(head.nlmsg_len), datagram.size()));
  }
}

Error FromAck(const std::string& what, int code, uint16_t flags, std::string_view payload) {
  std::string context = what;
  if (flags & NLM_F_ACK_TLVS) {
    // With NETLINK_CAP_ACK the request is echoed by its header alone.
    if (auto text = Attribute(payload, sizeof(nlmsgerr), NLMSGERR_ATTR_MSG)) {
      context += StrCat(": ", text->substr(0, text->find('\0')));
    }
  }
  return Error::Errno(std::move(context), code);
}

}  // namespace

Status NetlinkSocket::Run(std::vector<NetlinkMessage>& messages) {
  std::string bytes;
  size_t waiting = 0;
  uint32_t first = sequence_;
  for (NetlinkMessage& m : messages) {
    nlmsghdr* head = m.header();
    head->nlmsg_seq = sequence_++;
    head->nlmsg_pid = 0;
    if (head->nlmsg_flags & NLM_F_ACK) ++waiting;
    bytes.append(reinterpret_cast<const char*>(head), head->nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  }
  TRY(Send(bytes));
  std::optional<Error> failure;
  while (waiting > 0) {
    std::string datagram = TRY(Receive());
    ForEachMessage(datagram, [&](const nlmsghdr& head, std::string_view payload) {
      uint32_t index = head.nlmsg_seq - first;
      if (head.nlmsg_type != NLMSG_ERROR || index >= messages.size() || waiting == 0) return;
      auto ack = Prefix<nlmsgerr>(payload);
      if (!ack) return;
      const NetlinkMessage& m = messages[index];
      int code = -ack->error;
      // An error of a message that wanted no ack is the whole batch's, and nothing follows it.
      waiting = m.header()->nlmsg_flags & NLM_F_ACK ? waiting - 1 : 0;
      if (code == 0 || std::count(m.accepted_.begin(), m.accepted_.end(), code) > 0) return;
      if (!failure) failure = FromAck(m.what_, code, head.nlmsg_flags, payload);
    });
  }
  if (failure) return std::move(*failure);
  return OkStatus();
}

Status NetlinkSocket::Run(NetlinkMessage message) {
  std::vector<NetlinkMessage> one;
  one.push_back(std::move(message));
  return Run(one);
}

Status NetlinkSocket::Query(NetlinkMessage message,
                            const std::function<void(const NetlinkReply&)>& on_reply) {
  nlmsghdr* head = message.header();
  head->nlmsg_seq = sequence_++;
  head->nlmsg_pid = 0;
  bool dump = (head->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  if (!dump) head->nlmsg_flags |= NLM_F_ACK;  // it marks the end of the answer
  TRY(Send({reinterpret_cast<const char*>(head), head->nlmsg_len}));
  std::optional<Error> failure;
  for (bool done = false; !done;) {
    std::string datagram = TRY(Receive());
    ForEachMessage(datagram, [&](const nlmsghdr& reply, std::string_view payload) {
      if (reply.nlmsg_seq != head->nlmsg_seq) return;
      if (reply.nlmsg_type == NLMSG_DONE) {
        done = true;
      } else if (reply.nlmsg_type == NLMSG_ERROR) {
        done = true;
        auto ack = Prefix<nlmsgerr>(payload);
        if (ack && ack->error != 0) {
          failure = FromAck(message.what_, -ack->error, reply.nlmsg_flags, payload);
        }
      } else {
        on_reply({reply.nlmsg_type, payload});
      }
    });
  }
  if (failure) return std::move(*failure);
  return OkStatus();
}

}  // namespace kpod::network
