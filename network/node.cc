#include "network/node.h"

#include <fcntl.h>

#include "base/files.h"
#include "base/text.h"
#include "network/links.h"
#include "network/namespace.h"

namespace kpod::network {

namespace {

constexpr const char* kNodeEnd = "uplink";
constexpr uint32_t kMtu = 1500;

std::string PinDirectory(const store::Paths& paths) { return paths.run + "/netns"; }
std::string ForwardRecord(const store::Paths& paths) { return paths.run + "/ip_forward"; }

// 15 characters hold it: the instance is a short hash.
std::string UplinkName(const store::Paths& paths) {
  std::string instance = paths.Instance();
  return instance.empty() ? "kpod0" : "kpod" + instance.substr(0, 10);
}

Result<Fd> OpenNode(const store::Paths& paths) {
  Fd fd = TRY(Open(PinDirectory(paths) + "/node", O_RDONLY));
  if (!IsNamespace(fd.get())) return Error::Errno("node network namespace", ENOENT);
  return fd;
}

Result<Config> ChooseConfig(const store::Paths& paths, NetlinkSocket& host, uint32_t own_uplink) {
  std::optional<Config> kept = TRY(ReadConfig(paths));
  std::vector<Range> taken = TRY(ListAddresses(host));
  for (const Route& r : TRY(ListRoutes(host))) {
    if (r.to.prefix != 0 && r.interface != own_uplink) taken.push_back(r.to);
  }
  if (kept) {
    bool free = true;
    for (const Range& t : taken) {
      if (t.prefix != 32) free = free && !t.Overlaps(kept->pods) && !t.Overlaps(kept->services);
    }
    if (free || own_uplink != 0) return *kept;
  }
  auto pods = FirstFree(PodRangeCandidates(), taken);
  auto services = FirstFree(ServiceRangeCandidates(), taken);
  if (!pods || !services)
    return Error("every address range that pods could have is in use on this machine");
  Config config{*pods, *services};
  TRY(WriteConfig(paths, config));
  return config;
}

Status RaiseUplink(const std::string& name, const Config& c, NetlinkSocket& host,
                   NetlinkSocket& node, const Fd& node_fd, int host_net) {
  TRY(host.Run(AddVeth({name, "", -1}, {kNodeEnd, "", node_fd.get()}, kMtu)));
  std::optional<Link> here = TRY(FindLink(host, name));
  std::optional<Link> there = TRY(FindLink(node, kNodeEnd));
  if (!here || !there) return Error("the uplink " + name + " did not appear");
  Ipv4 host_ip = HostAddress(c.pods);
  Ipv4 node_ip = NodeAddress(c.pods);
  std::vector<NetlinkMessage> m;
  m.push_back(WithoutIpv6Address(kNodeEnd));
  m.push_back(AddAddress(there->index, node_ip));
  m.push_back(SetLinkUp("lo"));
  m.push_back(SetLinkUp(kNodeEnd));
  TRY(node.Run(m));
  std::vector<NetlinkMessage> h;
  h.push_back(WithoutIpv6Address(name));
  h.push_back(AddAddress(here->index, host_ip));
  h.push_back(SetLinkUp(name));
  h.push_back(AddRoute({c.pods, here->index, node_ip, host_ip}));
  h.push_back(AddRoute({c.services, here->index, node_ip, host_ip}));
  TRY(host.Run(h));
  TRY(node.Run(AddRoute({Range{0, 0}, there->index, host_ip, std::nullopt})));
  TRY(WriteSysctlIn(node_fd.get(), "net/ipv4/ip_forward", "1"));
  TRY(WriteSysctlIn(host_net, StrCat("net/ipv4/conf/", name, "/route_localnet"), "1"));
  SettleLink(host_net, name);
  SettleLink(node_fd.get(), kNodeEnd);
  return OkStatus();
}

Status Forward(const store::Paths& paths, int host_net) {
  std::string before = TRY(ReadSysctlIn(host_net, "net/ipv4/ip_forward"));
  if (before == "1") return OkStatus();
  TRY(WriteFileAtomic(ForwardRecord(paths), before));
  return WriteSysctlIn(host_net, "net/ipv4/ip_forward", "1");
}

}  // namespace

std::string NetworkLock(const store::Paths& paths) { return paths.Locks() + "/network"; }

HostTable HostTableFor(const store::Paths& paths, const Config& config) {
  return {"kpod" + paths.Instance(), UplinkName(paths), config};
}

Result<HostNamespaces> HostNamespaces::Current() {
  HostNamespaces h;
  h.net = TRY(CurrentNamespace());
  h.mount = TRY(Open("/proc/self/ns/mnt", O_RDONLY));
  return h;
}

Status RewriteHostTable(const store::Paths& paths, const HostNamespaces& host,
                        const Config& config) {
  return RunNft(host.net.get(), TableScript(HostTableFor(paths, config), TRY(ListRecords(paths))));
}

Result<Node> RaiseNode(const store::Paths& paths, const HostNamespaces& host) {
  std::string name = UplinkName(paths);
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host.net.get()));
  auto standing = [&]() -> Result<std::optional<Node>> {
    Result<Fd> fd = OpenNode(paths);
    std::optional<Config> config = TRY(ReadConfig(paths));
    if (!fd || !config) return std::optional<Node>();
    std::optional<Link> link = TRY(FindLink(socket, name));
    if (!link || !link->up || !TRY(TableExists(host.net.get(), HostTableFor(paths, *config).name)))
      return std::optional<Node>();
    return std::optional<Node>(Node{*config, std::move(*fd)});
  };
  std::optional<Node> node = TRY(standing());
  if (node) return std::move(*node);

  TRY(MakeDirs(paths.Locks()));
  FileLock lock = TRY(FileLock::Acquire(NetworkLock(paths)));
  node = TRY(standing());  // somebody else may have raised it while we waited
  if (node) return std::move(*node);
  std::optional<Link> link = TRY(FindLink(socket, name));
  Config config = TRY(ChooseConfig(paths, socket, link ? link->index : 0));
  Result<Fd> fd = OpenNode(paths);
  if (!fd || !link) {
    if (link) TRY(socket.Run(DeleteLink(name)));
    TRY(UnpinNamespace(host.mount.get(), PinDirectory(paths), "node"));
    TRY(PinNewNamespace(host.mount.get(), PinDirectory(paths), "node"));
    fd = TRY(OpenNode(paths));
    NetlinkSocket in_node = TRY(NetlinkSocket::Open(NETLINK_ROUTE, fd->get()));
    TRY(RaiseUplink(name, config, socket, in_node, *fd, host.net.get()).Context("uplink " + name));
  }
  TRY(Forward(paths, host.net.get()));
  TRY(RewriteHostTable(paths, host, config));
  return Node{config, std::move(*fd)};
}

Status RazeNode(const store::Paths& paths, const HostNamespaces& host) {
  std::string name = UplinkName(paths);
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, host.net.get()));
  if (TRY(FindLink(socket, name))) TRY(socket.Run(DeleteLink(name)));
  std::optional<Config> config = TRY(ReadConfig(paths));
  HostTable table = HostTableFor(paths, config.value_or(Config{}));
  if (TRY(TableExists(host.net.get(), table.name)))
    TRY(RunNft(host.net.get(), DeleteTableScript(table)));
  if (Exists(PinDirectory(paths)))
    TRY(UnpinNamespace(host.mount.get(), PinDirectory(paths), "node"));
  Result<std::string> before = ReadFile(ForwardRecord(paths), 64);
  if (before) {
    TRY(WriteSysctlIn(host.net.get(), "net/ipv4/ip_forward", *before));
    ::unlink(ForwardRecord(paths).c_str());
  }
  return OkStatus();
}

}  // namespace kpod::network
