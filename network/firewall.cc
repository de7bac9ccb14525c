// Other programs' rules at the forward hook.
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "network/netlink.h"
#include "network/nft.h"

namespace kpod::network {

namespace {

constexpr size_t kAttributes = NLMSG_ALIGN(sizeof(nfgenmsg));
constexpr const char* kFilter = "filter";
constexpr const char* kForward = "FORWARD";

std::string TextOf(std::string_view payload, int type) {
  std::string_view text = Attribute(payload, kAttributes, type).value_or("");
  return std::string(text.substr(0, text.find('\0')));
}

uint32_t NumberOf(std::string_view payload, size_t offset, int type) {
  return __builtin_bswap32(AttributeU32(payload, offset, type).value_or(0));
}

bool IsIptables(const ForwardDrop& d) {
  return d.family == "ip" && d.table == kFilter && d.chain == kForward;
}

// The handles of the rules in `ip filter FORWARD` that carry the comment.
Result<std::vector<uint64_t>> OwnRules(NetlinkSocket& socket, const std::string& comment) {
  NetlinkMessage ask = NftMessage("list nft rules of FORWARD", NFT_MSG_GETRULE, NLM_F_DUMP);
  ask.Text(NFTA_RULE_TABLE, kFilter).Text(NFTA_RULE_CHAIN, kForward);
  std::vector<uint64_t> handles;
  Status asked = socket.Query(std::move(ask), [&](const NetlinkReply& r) {
    if (TextOf(r.payload, NFTA_RULE_TABLE) != kFilter ||
        TextOf(r.payload, NFTA_RULE_CHAIN) != kForward)
      return;
    auto data = Attribute(r.payload, kAttributes, NFTA_RULE_USERDATA);
    auto handle = Attribute(r.payload, kAttributes, NFTA_RULE_HANDLE);
    // Type, length, text, zero: see NftBatch::PutRule.
    if (!data || data->size() < 3 || data->substr(2) != comment + '\0' || !handle) return;
    if (auto be = Prefix<uint64_t>(*handle)) handles.push_back(__builtin_bswap64(*be));
  });
  if (!asked && asked.error().code() != ENOENT) return std::move(asked.error());
  return handles;
}

}  // namespace

Result<std::vector<ForwardDrop>> ListForwardDrops(int netns_fd) {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  std::vector<ForwardDrop> out;
  for (int family : {AF_INET, static_cast<int>(NFPROTO_INET)}) {
    NetlinkMessage ask("list nft chains", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
    nfgenmsg head{static_cast<unsigned char>(family), NFNETLINK_V0, 0};
    ask.Fixed(head);
    TRY(socket.Query(std::move(ask), [&](const NetlinkReply& r) {
      auto hook = Attribute(r.payload, kAttributes, NFTA_CHAIN_HOOK);
      auto policy = Attribute(r.payload, kAttributes, NFTA_CHAIN_POLICY);
      if (!hook || !policy || NumberOf(*hook, 0, NFTA_HOOK_HOOKNUM) != NF_INET_FORWARD) return;
      if (NumberOf(r.payload, kAttributes, NFTA_CHAIN_POLICY) != NF_DROP) return;
      out.push_back({family == AF_INET ? "ip" : "inet", TextOf(r.payload, NFTA_CHAIN_TABLE),
                     TextOf(r.payload, NFTA_CHAIN_NAME)});
    }));
  }
  return out;
}

Status OpenForward(int netns_fd, const HostTable& t) {
  std::vector<ForwardDrop> drops = TRY(ListForwardDrops(netns_fd));
  if (std::none_of(drops.begin(), drops.end(), IsIptables)) return OkStatus();
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  if (!TRY(OwnRules(socket, t.name)).empty()) return OkStatus();
  RuleBuilder from;
  from.InterfaceIs(NFT_META_IIFNAME, t.uplink).Verdict(NF_ACCEPT).Comment(t.name);
  RuleBuilder to;
  to.InterfaceIs(NFT_META_OIFNAME, t.uplink).Verdict(NF_ACCEPT).Comment(t.name);
  NftBatch b;
  b.InsertRule(kFilter, kForward, from).InsertRule(kFilter, kForward, to);
  return std::move(b).Run(netns_fd);
}

Status CloseForward(int netns_fd, const HostTable& t) {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  std::vector<uint64_t> handles = TRY(OwnRules(socket, t.name));
  if (handles.empty()) return OkStatus();
  NftBatch b;
  for (uint64_t handle : handles) b.DeleteRule(kFilter, kForward, handle);
  return std::move(b).Run(netns_fd);
}

}  // namespace kpod::network
