// The native driver: a routed /32 veth a pod, in process by netlink.
#include <sys/socket.h>

#include "base/text.h"
#include "network/conntrack.h"
#include "network/drivers.h"
#include "network/links.h"
#include "network/node.h"
#include "network/ports.h"

namespace kpod::network {

namespace {

constexpr const char* kInterface = "eth0";

Status Connect(const Node& node, int pod_fd, Ipv4 ip) {
  NetlinkSocket in_node = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node.netns.get()));
  NetlinkSocket in_pod = TRY(NetlinkSocket::Open(NETLINK_ROUTE, pod_fd));
  std::string veth = VethFor(ip);
  auto add = [&] {
    return in_node.Run(AddVeth({veth, "", -1}, {kInterface, MacFor(ip), pod_fd}, node.mtu));
  };
  Status added = add();
  if (!added && added.error().code() == EEXIST) {  // one that a crash left
    TRY(in_node.Run(DeleteLink(veth)));
    added = add();
  }
  TRY(std::move(added));
  std::optional<Link> here = TRY(FindLink(in_node, veth));
  std::optional<Link> there = TRY(FindLink(in_pod, kInterface));
  if (!here || !there) return Error("the pair did not appear");
  std::vector<NetlinkMessage> n;
  n.push_back(WithoutIpv6Address(veth));
  n.push_back(AddAddress(here->index, kGateway, true));
  n.push_back(SetLinkUp(veth));
  n.push_back(AddRoute({Range{ip, 32}, here->index, std::nullopt, std::nullopt, false}));
  TRY(in_node.Run(n));
  std::vector<NetlinkMessage> p;
  p.push_back(SetLinkUp("lo"));
  p.push_back(WithoutIpv6Address(kInterface));
  p.push_back(AddAddress(there->index, ip));
  p.push_back(SetLinkUp(kInterface));
  p.push_back(AddRoute({Range{kGateway, 32}, there->index, std::nullopt, std::nullopt, false}));
  p.push_back(AddRoute({Range{0, 0}, there->index, kGateway, std::nullopt, false}));
  TRY(in_pod.Run(p));
  SettleLink(node.netns.get(), veth);
  SettleLink(pod_fd, kInterface);
  return OkStatus();
}

class NativeDriver : public Driver {
 public:
  NativeDriver(store::Paths paths, HostNamespaces host)
      : paths_(std::move(paths)), host_(std::move(host)) {}

  // The address, the ports, and that the node stands, under the lock: while the lease is there,
  // nobody razes the node. In the host's namespaces, since the pin of a node that is made now is
  // not seen in a mount namespace that was unshared before.
  Status Prepare(const AttachRequest& r) override {
    record_ = PodRecord{};
    record_.id = r.pod_id;
    record_.names = r.names;
    record_.ports = r.ports;
    FileLock lock = TRY(LockNetwork(paths_));
    node_ = TRY(RaiseNode(paths_, host_));
    std::vector<PodRecord> pods = TRY(ListRecords(paths_));
    for (const PodRecord& p : pods) {
      if (p.id == r.pod_id) TRY(DetachNative(paths_, host_, r.pod_id));
    }
    TRY(CheckAgainst(pods, record_));
    if (!r.ports.empty()) {
      std::vector<Allocation> services = TRY(ListAllocations(paths_));
      TRY(CheckAgainstServices(services, record_));
    }
    for (const PortMapping& p : r.ports) TRY(CheckFree(host_.net.get(), p));
    record_.ip = TRY(Lease(paths_, node_.config, r.pod_id, r.static_ip));
    TRY(WriteRecord(paths_, record_));
    if (r.ports.empty()) return OkStatus();
    TRY(AddPortsBatch(HostTableFor(paths_, node_.config), record_)
            .Run(host_.net.get())
            .Context("host ports"));
    return ForgetUdpFlows(host_.net.get(), r.ports);
  }

  Result<Attachment> Attach(int netns_fd) override {
    TRY(Connect(node_, netns_fd, record_.ip).Context("veth"));
    Attachment a;
    a.ip = FormatIpv4(record_.ip);
    a.gateway = FormatIpv4(kGateway);
    NetlinkSocket host = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host_.net.get()));
    a.host_ip = FormatIpv4(TRY(OutwardAddress(host)).value_or(HostAddress(node_.config.pods)));
    a.interface = kInterface;
    a.nameserver = a.gateway;
    a.mac = MacFor(record_.ip);
    return a;
  }

  Status Detach(const std::string& pod_id) override {
    FileLock lock = TRY(LockNetwork(paths_));
    return DetachNative(paths_, host_, pod_id);
  }

  Status Check(const std::string& pod_id, int netns_fd) override {
    std::optional<PodRecord> record = TRY(ReadRecord(paths_, pod_id));
    if (!record) return Error("no address is leased");
    NetlinkSocket pod = TRY(NetlinkSocket::Open(NETLINK_ROUTE, netns_fd));
    std::optional<Link> link = TRY(FindLink(pod, kInterface));
    if (!link || !link->up) return Error(StrCat(kInterface, " is missing or down"));
    Fd node = TRY(OpenNode(paths_));
    NetlinkSocket in_node = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node.get()));
    std::optional<Link> veth = TRY(FindLink(in_node, VethFor(record->ip)));
    if (!veth || !veth->up) return Error(VethFor(record->ip) + " is missing or down");
    return OkStatus();
  }

 private:
  store::Paths paths_;
  HostNamespaces host_;
  PodRecord record_;
  Node node_;
};

Status RemovePorts(const store::Paths& paths, const HostNamespaces& host, const PodRecord& record) {
  if (record.ports.empty()) return OkStatus();
  std::optional<Config> config = TRY(ReadConfig(paths));
  if (!config) return OkStatus();
  HostTable table = HostTableFor(paths, *config);
  Status removed = RemovePortsBatch(table, record).Run(host.net.get());
  // Somebody flushed it, or Attach was cut off before it added them.
  if (!removed && removed.error().code() == ENOENT) {
    if (!TRY(TableExists(host.net.get(), table.name))) return OkStatus();
    removed = RewriteHostTable(paths, host, *config, record.id);
  }
  TRY(std::move(removed));
  return ForgetUdpFlows(host.net.get(), record.ports);
}

// Which ports it had cannot be read: the table is written anew without it.
Status RemoveUnknownPorts(const store::Paths& paths, const HostNamespaces& host,
                          const std::string& pod_id) {
  std::optional<Config> config = TRY(ReadConfig(paths));
  if (!config || !TRY(TableExists(host.net.get(), HostTableFor(paths, *config).name)))
    return OkStatus();
  return RewriteHostTable(paths, host, *config, pod_id);
}

}  // namespace

// What the kernel has first, then the files that say so: cut off anywhere, it can be done again.
Status DetachNative(const store::Paths& paths, const HostNamespaces& host,
                    const std::string& pod_id) {
  Status first;
  auto keep = [&](Status s) {
    if (!s && first.ok()) first = std::move(s);
  };
  Result<std::optional<PodRecord>> record = ReadRecord(paths, pod_id);
  if (!record && record.error().code() != EBADMSG) return std::move(record.error());
  // It may have died before its record was written: then its lease says which address it had.
  std::vector<Ipv4> addresses;
  for (const LeaseRecord& lease : TRY(ListLeases(paths))) {
    if (lease.pod_id == pod_id) addresses.push_back(lease.ip);
  }
  Result<Fd> node = OpenNode(paths);
  if (node && !addresses.empty()) {
    NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node->get()));
    // The node's end; the pod's goes with it.
    for (Ipv4 ip : addresses) keep(socket.Run(DeleteLink(VethFor(ip))));
  }
  if (!record) {
    keep(RemoveUnknownPorts(paths, host, pod_id));
  } else if (*record) {
    keep(RemovePorts(paths, host, **record));
  }
  keep(RemoveRecord(paths, pod_id));
  keep(ReleaseLeases(paths, pod_id));
  return first;
}

Result<std::unique_ptr<Driver>> MakeNativeDriver(const store::Paths& paths) {
  HostNamespaces host = TRY(HostNamespaces::Current());
  return std::unique_ptr<Driver>(std::make_unique<NativeDriver>(paths, std::move(host)));
}

}  // namespace kpod::network
