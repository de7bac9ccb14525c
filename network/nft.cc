#include "network/nft.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/spawn.h"
#include "base/text.h"
#include "network/netlink.h"

namespace kpod::network {

namespace {

std::string Target(const PodRecord& pod, const PortMapping& p) {
  return StrCat(FormatIpv4(pod.ip), " . ", p.container_port);
}

void AddElements(const PodRecord& pod, std::vector<std::string>* any,
                 std::vector<std::string>* one) {
  for (const PortMapping& p : pod.ports) {
    std::string key = StrCat(p.protocol, " . ", p.host_port);
    if (p.host_ip.empty() || p.host_ip == "0.0.0.0") {
      any->push_back(StrCat(key, " : ", Target(pod, p)));
    } else {
      one->push_back(StrCat(p.host_ip, " . ", key, " : ", Target(pod, p)));
    }
  }
}

std::string Elements(const std::vector<std::string>& list) {
  return list.empty() ? "" : StrCat("    elements = { ", Join(list, ", "), " }\n");
}

}  // namespace

std::string TableScript(const HostTable& t, const std::vector<PodRecord>& pods) {
  std::vector<std::string> any;
  std::vector<std::string> one;
  for (const PodRecord& p : pods) AddElements(p, &any, &one);
  std::string own = FormatRange(t.config.pods);
  // The more exact map first; only traffic to an address of this machine is a host port's.
  std::string redirect =
      "    meta l4proto { tcp, udp, sctp } fib daddr type local dnat ip to ip daddr . meta l4proto "
      ". th dport map @ports_of_address\n"
      "    meta l4proto { tcp, udp, sctp } fib daddr type local dnat ip to meta l4proto . th dport "
      "map @ports\n";
  return StrCat(
      "table ip ", t.name, " {}\ndelete table ip ", t.name, "\ntable ip ", t.name, " {\n",
      "  map ports {\n    type inet_proto . inet_service : ipv4_addr . inet_service\n",
      Elements(any), "  }\n",
      "  map ports_of_address {\n    type ipv4_addr . inet_proto . inet_service : ipv4_addr . "
      "inet_service\n",
      Elements(one), "  }\n",
      "  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;\n",
      redirect, "  }\n",
      "  chain output {\n    type nat hook output priority -100; policy accept;\n", redirect,
      "  }\n",
      "  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n",
      // A client on 127.0.0.1 has no address that a pod could answer to.
      "    oifname \"", t.uplink, "\" ip saddr 127.0.0.0/8 masquerade\n",
      // A pod that came to a host port must be answered through the host, or the translation is not
      // undone.
      "    iifname \"", t.uplink, "\" oifname \"", t.uplink, "\" masquerade\n", "    ip saddr ",
      own, " oifname != \"", t.uplink, "\" masquerade\n", "  }\n}\n");
}

std::string AddPortsScript(const HostTable& t, const PodRecord& pod) {
  std::vector<std::string> any;
  std::vector<std::string> one;
  AddElements(pod, &any, &one);
  std::string out;
  if (!any.empty()) out += StrCat("add element ip ", t.name, " ports { ", Join(any, ", "), " }\n");
  if (!one.empty())
    out += StrCat("add element ip ", t.name, " ports_of_address { ", Join(one, ", "), " }\n");
  return out;
}

std::string DeleteTableScript(const HostTable& t) {
  return StrCat("table ip ", t.name, " {}\ndelete table ip ", t.name, "\n");
}

Status RunNft(int netns_fd, const std::string& script) {
  Result<std::string> done = RunInChild([&]() -> Result<std::string> {
    if (::setns(netns_fd, CLONE_NEWNET) < 0) return Error::Errno("enter network namespace");
    SpawnOptions nft;
    nft.argv = {"nft", "-f", "-"};
    nft.input = script;
    return RunChecked(nft);
  });
  if (done) return OkStatus();
  if (done.error().exit_code() == kExitNotFound)
    return Error("the program nft is missing: install the package nftables");
  return std::move(done.error());
}

Result<bool> TableExists(int netns_fd, const std::string& name) {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_NETFILTER, netns_fd));
  NetlinkMessage ask("look for the nft table " + name, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                     0);
  nfgenmsg header{AF_INET, NFNETLINK_V0, 0};
  ask.Fixed(header).Text(NFTA_TABLE_NAME, name);
  bool found = false;
  Status asked = socket.Query(std::move(ask), [&](const NetlinkReply& r) {
    found = found || r.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
  });
  if (!asked && asked.error().code() != ENOENT) return std::move(asked.error());
  return found;
}

}  // namespace kpod::network
