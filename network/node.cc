#include "network/node.h"

#include <fcntl.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "network/links.h"
#include "network/namespace.h"
#include "network/nft_keys.h"

namespace kpod::network {

namespace {

constexpr const char* kNodeEnd = "uplink";
constexpr const char* kForward = "net/ipv4/ip_forward";
constexpr uint32_t kUsualMtu = 1500;
constexpr uint32_t kLeastMtu = 1280;  // of IPv6
constexpr int kTries = 5;

std::string PinDirectory(const store::Paths& paths) { return paths.run + "/netns"; }
std::string ForwardRecord(const store::Paths& paths) { return paths.run + "/ip_forward"; }

// 15 characters hold it: the instance is a short hash.
std::string UplinkName(const store::Paths& paths) {
  std::string instance = paths.Instance();
  return instance.empty() ? "kpod0" : "kpod" + instance.substr(0, 10);
}

Result<Config> ChooseConfig(const store::Paths& paths, NetlinkSocket& host) {
  std::optional<Config> kept = TRY(ReadConfig(paths));
  std::vector<Range> taken = TRY(ListAddresses(host));
  for (const Route& r : TRY(ListRoutes(host))) {
    if (r.to.prefix != 0) taken.push_back(r.to);
  }
  auto free = [&](const Range& range) {
    return std::none_of(taken.begin(), taken.end(),
                        [&](const Range& t) { return t.Overlaps(range); });
  };
  if (kept && free(kept->pods) && free(kept->services)) return *kept;
  auto pods = FirstFree(PodRangeCandidates(), taken);
  auto services = FirstFree(ServiceRangeCandidates(), taken);
  if (!pods || !services)
    return Error("every address range that pods could have is in use on this machine");
  Config config{*pods, *services};
  TRY(WriteConfig(paths, config));
  return config;
}

// A tunnel's or a cloud's smaller packets are the pods' too: path discovery would cost them their
// first seconds, and fails where ICMP is filtered.
Result<uint32_t> MtuTowardsOutside(NetlinkSocket& host) {
  constexpr Ipv4 kOutside = 0xc0000201;  // 192.0.2.1 (RFC 5737): nobody's, so the default route's
  uint32_t index = TRY(InterfaceTowards(host, kOutside));
  if (index == 0) return kUsualMtu;
  for (const Link& link : TRY(ListLinks(host))) {
    if (link.index == index) return std::clamp(link.mtu, kLeastMtu, kUsualMtu);
  }
  return kUsualMtu;
}

RouteSpec Unreachable(const Range& range) { return {range, 0, std::nullopt, std::nullopt, true}; }

struct Uplink {
  std::string name;
  Config config;
  NetlinkSocket* host;
  int host_net, node_net;
};

// `fresh`: its routes must not be there yet; another instance may have chosen the same ranges at
// the same moment.
Status ConfigureUplink(const Uplink& u, bool fresh) {
  NetlinkSocket node = TRY(NetlinkSocket::Open(NETLINK_ROUTE, u.node_net));
  std::optional<Link> here = TRY(FindLink(*u.host, u.name));
  std::optional<Link> there = TRY(FindLink(node, kNodeEnd));
  if (!here || !there) return Error("the uplink " + u.name + " did not appear");
  Ipv4 host_ip = HostAddress(u.config.pods);
  Ipv4 node_ip = NodeAddress(u.config.pods);
  std::vector<NetlinkMessage> h;
  h.push_back(WithoutIpv6Address(u.name));
  h.push_back(AddAddress(here->index, host_ip));
  h.push_back(SetLinkUp(u.name));
  h.push_back(AddRoute({u.config.pods, here->index, node_ip, host_ip}, fresh));
  h.push_back(AddRoute({u.config.services, here->index, node_ip, host_ip}, fresh));
  TRY(u.host->Run(h));
  std::vector<NetlinkMessage> m;
  m.push_back(WithoutIpv6Address(kNodeEnd));
  m.push_back(AddAddress(there->index, node_ip));
  m.push_back(SetLinkUp("lo"));
  m.push_back(SetLinkUp(kNodeEnd));
  m.push_back(AddRoute({Range{host_ip, 32}, there->index, std::nullopt, std::nullopt, false}));
  m.push_back(AddRoute({Range{0, 0}, there->index, host_ip, std::nullopt, false}));
  // Every pod has a route of its own: what goes to another address of the range, a dead pod's,
  // would be sent to and fro between host and node.
  m.push_back(AddRoute(Unreachable(u.config.pods)));
  TRY(node.Run(m));
  TRY(WriteSysctlIn(u.node_net, kForward, "1"));
  // A pod that lies about its address is not heard.
  TRY(WriteSysctlIn(u.node_net, "net/ipv4/conf/all/rp_filter", "1"));
  // Whoever is refused hears of it, however often he asks.
  TRY(WriteSysctlIn(u.node_net, "net/ipv4/icmp_ratelimit", "0"));
  // So that 127.0.0.1:hostPort can be translated on its way out.
  TRY(WriteSysctlIn(u.host_net, StrCat("net/ipv4/conf/", u.name, "/route_localnet"), "1"));
  SettleLink(u.host_net, u.name);
  SettleLink(u.node_net, kNodeEnd);
  return OkStatus();
}

Status MakeUplink(const Uplink& u) {
  uint32_t mtu = TRY(MtuTowardsOutside(*u.host));
  TRY(u.host->Run(AddVeth({u.name, "", -1}, {kNodeEnd, "", u.node_net}, mtu)));
  Status configured = ConfigureUplink(u, true);
  if (!configured) (void)u.host->Run(DeleteLink(u.name));
  return configured;
}

// Pods reach the outside, and the outside host ports, through the host. Written down, so that it
// can be put back.
Status Forward(const store::Paths& paths, int host_net) {
  std::string before = TRY(ReadSysctlIn(host_net, kForward));
  if (before == "1") return OkStatus();
  TRY(WriteFileAtomic(ForwardRecord(paths), before));
  return WriteSysctlIn(host_net, kForward, "1");
}

// Only when nobody else can have come to rely on it: other engines find it on and leave it, and
// each of them has a virtual interface (a bridge, a veth, a tunnel).
Status StopForwarding(const store::Paths& paths, NetlinkSocket& socket, int host_net) {
  Result<std::string> before = ReadFile(ForwardRecord(paths), 64);
  if (!before) return OkStatus();
  bool others = false;
  for (const Link& l : TRY(ListLinks(socket))) others = others || !l.kind.empty();
  if (!others) TRY(WriteSysctlIn(host_net, kForward, *before));
  ::unlink(ForwardRecord(paths).c_str());
  return OkStatus();
}

Result<bool> LacksNodeTable(const store::Paths& paths, int node_net, const Config& config) {
  if (!TRY(AnyServices(paths))) return false;
  return !TRY(TableExists(node_net, NodeTableFor(config).name)) && TRY(AnyServiceAddress(paths));
}

// What could be checked at the price of some microseconds, on the start path of each pod.
Result<std::optional<Node>> StandingNode(const store::Paths& paths, const HostNamespaces& host,
                                         NetlinkSocket& socket) {
  Result<Fd> fd = OpenNode(paths);
  std::optional<Config> config = TRY(ReadConfig(paths));
  if (!fd || !config) return std::optional<Node>();
  std::optional<Link> link = TRY(FindLink(socket, UplinkName(paths)));
  if (!link || !link->up) return std::optional<Node>();
  for (const Range& range : {config->pods, config->services}) {
    if (TRY(InterfaceTowards(socket, range.Last())) != link->index) return std::optional<Node>();
  }
  if (!TRY(TableExists(host.net.get(), HostTableFor(paths, *config).name)) ||
      TRY(ReadSysctlIn(host.net.get(), kForward)) != "1" ||
      TRY(LacksNodeTable(paths, fd->get(), *config)))
    return std::optional<Node>();
  return std::optional<Node>(Node{*config, std::move(*fd), link->mtu});
}

}  // namespace

Result<FileLock> LockNetwork(const store::Paths& paths) {
  std::string path = paths.Locks() + "/network";
  Result<FileLock> lock = FileLock::Acquire(path);
  if (lock || lock.error().code() != ENOENT) return lock;
  TRY(MakeDirs(paths.Locks()));
  return FileLock::Acquire(path);
}

HostTable HostTableFor(const store::Paths& paths, const Config& config) {
  return {"kpod" + paths.Instance(), UplinkName(paths), config};
}

Result<Fd> OpenNode(const store::Paths& paths) {
  Fd fd = TRY(Open(PinDirectory(paths) + "/node", O_RDONLY));
  if (!IsNamespace(fd.get())) return Error::Errno("node network namespace", ENOENT);
  return fd;
}

Result<HostNamespaces> HostNamespaces::Current() {
  HostNamespaces h;
  h.net = TRY(CurrentNamespace());
  h.mount = TRY(Open("/proc/self/ns/mnt", O_RDONLY));
  return h;
}

Status RewriteHostTable(const store::Paths& paths, const HostNamespaces& host, const Config& config,
                        const std::string& without) {
  std::vector<PodRecord> pods = TRY(ListRecords(paths));
  std::erase_if(pods, [&](const PodRecord& p) { return p.driver != "native" || p.id == without; });
  HostTable table = HostTableFor(paths, config);
  bool replace = TRY(TableExists(host.net.get(), table.name));
  return TableBatch(table, replace, pods, TRY(ListServices(paths))).Run(host.net.get());
}

NodeTable NodeTableFor(const Config& config) {
  NodeTable t;
  t.uplink = kNodeEnd;
  t.range_base = AddressBytes(config.services.base);
  t.range_mask = AddressBytes(MaskOf(config.services));
  return t;
}

Status RewriteNodeTable(const store::Paths& paths, int node_net, const Config& config) {
  std::vector<ServiceRecord> services = TRY(ListServices(paths));
  NodeTable table = NodeTableFor(config);
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node_net));
  if (!HaveAddresses(services)) {
    if (TRY(TableExists(node_net, table.name))) TRY(DeleteNodeTableBatch(table).Run(node_net));
    return socket.Run(AddRoute(Unreachable(config.services)));
  }
  TRY(NodeTableBatch(table, ServiceElementsOf(services, false))
          .Run(node_net)
          .Context("rules of Services"));
  // The rules refuse what they do not know, in the words that clients understand.
  return socket.Run(DeleteRoute(Unreachable(config.services)));
}

Result<Config> EnsureConfig(const store::Paths& paths, const HostNamespaces& host) {
  std::optional<Config> kept = TRY(ReadConfig(paths));
  if (kept && OpenNode(paths)) return *kept;  // its own routes are there
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host.net.get()));
  return ChooseConfig(paths, socket);
}

Result<Node> RaiseNode(const store::Paths& paths, const HostNamespaces& host) {
  std::string name = UplinkName(paths);
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host.net.get()));
  std::optional<Node> standing = TRY(StandingNode(paths, host, socket));
  if (standing) return std::move(*standing);

  Result<Fd> fd = OpenNode(paths);
  std::optional<Link> link = TRY(FindLink(socket, name));
  if (!fd) {
    if (link) TRY(socket.Run(DeleteLink(name)));  // it leads nowhere
    link.reset();
    TRY(UnpinNamespace(host.mount.get(), PinDirectory(paths), "node"));
    TRY(PinNewNamespace(host.mount.get(), PinDirectory(paths), "node"));
    fd = TRY(OpenNode(paths));
  }
  std::optional<Config> kept = TRY(ReadConfig(paths));
  if (link && !kept) {  // which ranges it stands for, nobody knows any more
    TRY(socket.Run(DeleteLink(name)));
    link.reset();
  }
  Config config;
  if (link) {
    config = *kept;
    TRY(ConfigureUplink({name, config, &socket, host.net.get(), fd->get()}, false)
            .Context("uplink " + name));
  } else {
    for (int i = 1;; ++i) {
      config = TRY(ChooseConfig(paths, socket));
      Status made = MakeUplink({name, config, &socket, host.net.get(), fd->get()});
      if (made) break;
      if (made.error().code() != EEXIST || i == kTries)
        return std::move(made.error()).Wrap("uplink " + name);
    }
  }
  TRY(Forward(paths, host.net.get()));
  TRY(RewriteNodeTable(paths, fd->get(), config));
  // The host's table last: a node that has it stands.
  TRY(OpenForward(host.net.get(), HostTableFor(paths, config)));
  TRY(RewriteHostTable(paths, host, config));
  uint32_t mtu = link ? link->mtu : TRY(FindLink(socket, name)).value_or(Link{}).mtu;
  return Node{config, std::move(*fd), mtu};
}

// The pin last: while it is there, whoever comes next knows that something may be left.
Status RazeNode(const store::Paths& paths, const HostNamespaces& host) {
  std::string name = UplinkName(paths);
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host.net.get()));
  TRY(socket.Run(DeleteLink(name)));
  std::optional<Config> config = TRY(ReadConfig(paths));
  HostTable table = HostTableFor(paths, config.value_or(Config{}));
  if (TRY(TableExists(host.net.get(), table.name)))
    TRY(DeleteTableBatch(table).Run(host.net.get()));
  TRY(CloseForward(host.net.get(), table));
  TRY(StopForwarding(paths, socket, host.net.get()));
  if (!Exists(PinDirectory(paths))) return OkStatus();
  return UnpinNamespace(host.mount.get(), PinDirectory(paths), "node");
}

}  // namespace kpod::network
