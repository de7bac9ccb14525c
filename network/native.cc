// The native driver: a routed /32 veth a pod, in process by netlink.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "network/links.h"
#include "network/namespace.h"
#include "network/node.h"

namespace kpod::network {

namespace {

constexpr uint32_t kMtu = 1500;

// A port that a process of the host listens on would be shadowed in silence.
Status CheckFree(int host_net, const PortMapping& p) {
  bool tcp = p.protocol == "tcp";
  bool sctp = p.protocol == "sctp";
  Fd fd = TRY(
      SocketIn(host_net, AF_INET, tcp || sctp ? SOCK_STREAM : SOCK_DGRAM, sctp ? IPPROTO_SCTP : 0));
  int on = 1;
  if (tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(p.host_port);
  if (!p.host_ip.empty()) {
    auto ip = ParseIpv4(p.host_ip);
    if (!ip) return Error(StrCat("hostIP ", p.host_ip, ": not an IPv4 address"));
    a.sin_addr.s_addr = htonl(*ip);
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof(a)) == 0) return OkStatus();
  if (errno == EADDRINUSE)
    return Error(
        StrCat("host port ", p.host_port, "/", p.protocol, " is already in use on this machine"));
  return Error::Errno(StrCat("host port ", p.host_port, "/", p.protocol));
}

bool AnyAddress(const std::string& ip) { return ip.empty() || ip == "0.0.0.0"; }

Status CheckPorts(const store::Paths& paths, int host_net, const AttachRequest& r) {
  for (const PodRecord& other : TRY(ListRecords(paths))) {
    if (other.id == r.pod_id) continue;
    for (const PortMapping& theirs : other.ports) {
      for (const PortMapping& p : r.ports) {
        bool same = p.host_port == theirs.host_port && p.protocol == theirs.protocol;
        bool meet =
            AnyAddress(p.host_ip) || AnyAddress(theirs.host_ip) || p.host_ip == theirs.host_ip;
        if (same && meet)
          return Error(StrCat("host port ", p.host_port, "/", p.protocol,
                              " is already used by pod \"", other.id, "\""));
      }
    }
  }
  for (const PortMapping& p : r.ports) TRY(CheckFree(host_net, p));
  return OkStatus();
}

class NativeDriver : public Driver {
 public:
  NativeDriver(store::Paths paths, HostNamespaces host)
      : paths_(std::move(paths)), host_(std::move(host)) {}

  Result<Attachment> Attach(const AttachRequest& r) override {
    Node node = TRY(RaiseNode(paths_, host_));
    Undo undo([&] { (void)Detach(r.pod_id); });
    PodRecord record;
    record.id = r.pod_id;
    record.names = r.names;
    record.ports = r.ports;
    record.ip = TRY(Lease(paths_, node.config, r.pod_id, r.static_ip));
    TRY(Connect(node, r.netns_fd, record.ip).Context("veth"));
    if (r.ports.empty()) {
      TRY(WriteRecord(paths_, record));
    } else {
      FileLock lock = TRY(FileLock::Acquire(NetworkLock(paths_)));
      TRY(CheckPorts(paths_, host_.net.get(), r));
      TRY(WriteRecord(paths_, record));
      TRY(RunNft(host_.net.get(), AddPortsScript(HostTableFor(paths_, node.config), record))
              .Context("host ports"));
    }
    undo.Dismiss();
    Attachment a;
    a.ip = FormatIpv4(record.ip);
    a.gateway = FormatIpv4(kGateway);
    a.nameserver = a.gateway;
    a.mac = MacFor(record.ip);
    return a;
  }

  Status Detach(const std::string& pod_id) override {
    Status first;
    auto keep = [&](Status s) {
      if (!s && first.ok()) first = std::move(s);
    };
    std::optional<PodRecord> record = TRY(ReadRecord(paths_, pod_id));
    keep(Disconnect(pod_id));
    if (record) {
      FileLock lock = TRY(FileLock::Acquire(NetworkLock(paths_)));
      keep(RemoveRecord(paths_, pod_id));
      std::optional<Config> config = TRY(ReadConfig(paths_));
      if (!record->ports.empty() && config &&
          TRY(TableExists(host_.net.get(), HostTableFor(paths_, *config).name))) {
        keep(RewriteHostTable(paths_, host_, *config));
      }
    }
    keep(ReleaseLeases(paths_, pod_id));
    return first;
  }

  Status Check(const std::string& pod_id, int netns_fd) override {
    std::optional<PodRecord> record = TRY(ReadRecord(paths_, pod_id));
    if (!record) return Error("pod " + pod_id + " has no network");
    NetlinkSocket pod = TRY(NetlinkSocket::Open(NETLINK_ROUTE, netns_fd));
    std::optional<Link> link = TRY(FindLink(pod, "eth0"));
    if (!link || !link->up) return Error("pod " + pod_id + ": eth0 is missing or down");
    return OkStatus();
  }

 private:
  Status Connect(const Node& node, int pod_fd, Ipv4 ip) {
    NetlinkSocket in_node = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node.netns.get()));
    NetlinkSocket in_pod = TRY(NetlinkSocket::Open(NETLINK_ROUTE, pod_fd));
    std::string veth = VethFor(ip);
    // One that a crash left is in the way.
    if (TRY(FindLink(in_node, veth))) TRY(in_node.Run(DeleteLink(veth)));
    TRY(in_node.Run(AddVeth({veth, "", -1}, {"eth0", MacFor(ip), pod_fd}, kMtu)));
    std::optional<Link> here = TRY(FindLink(in_node, veth));
    std::optional<Link> there = TRY(FindLink(in_pod, "eth0"));
    if (!here || !there) return Error("the pair did not appear");
    std::vector<NetlinkMessage> p;
    p.push_back(SetLinkUp("lo"));
    p.push_back(WithoutIpv6Address("eth0"));
    p.push_back(AddAddress(there->index, ip));
    p.push_back(SetLinkUp("eth0"));
    TRY(in_pod.Run(p));
    std::vector<NetlinkMessage> n;
    n.push_back(WithoutIpv6Address(veth));
    n.push_back(AddAddress(here->index, kGateway, true));
    n.push_back(SetLinkUp(veth));
    n.push_back(AddRoute({Range{ip, 32}, here->index, std::nullopt, std::nullopt}));
    TRY(in_node.Run(n));
    std::vector<NetlinkMessage> routes;
    routes.push_back(AddRoute({Range{kGateway, 32}, there->index, std::nullopt, std::nullopt}));
    routes.push_back(AddRoute({Range{0, 0}, there->index, kGateway, std::nullopt}));
    TRY(in_pod.Run(routes));
    SettleLink(node.netns.get(), veth);
    SettleLink(pod_fd, "eth0");
    return OkStatus();
  }

  // The node's end; the pod's goes with it.
  Status Disconnect(const std::string& pod_id) {
    std::optional<PodRecord> record = TRY(ReadRecord(paths_, pod_id));
    std::optional<Config> config = TRY(ReadConfig(paths_));
    Result<Fd> node = Open(paths_.run + "/netns/node", O_RDONLY);
    if (!config || !node || !IsNamespace(node->get())) return OkStatus();
    std::vector<Ipv4> addresses;
    if (record) {
      addresses.push_back(record->ip);
    } else {
      // It died before its record was written: its lease says which address it had.
      for (const std::string& name : TRY(ListDir(paths_.Network() + "/leases"))) {
        Result<std::string> holder = ReadFile(StrCat(paths_.Network(), "/leases/", name), 4096);
        auto ip = ParseIpv4(name);
        if (ip && holder && *holder == pod_id) addresses.push_back(*ip);
      }
    }
    NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE, node->get()));
    for (Ipv4 ip : addresses) {
      if (TRY(FindLink(socket, VethFor(ip)))) TRY(socket.Run(DeleteLink(VethFor(ip))));
    }
    return OkStatus();
  }

  store::Paths paths_;
  HostNamespaces host_;
};

}  // namespace

Json ToJson(const Attachment& a) {
  return {{"ip", a.ip},
          {"gateway", a.gateway},
          {"interface", a.interface},
          {"mac", a.mac},
          {"nameserver", a.nameserver}};
}

Attachment AttachmentFromJson(const Json& j) {
  return {StringAt(j, "ip"), StringAt(j, "gateway"), StringAt(j, "interface"), StringAt(j, "mac"),
          StringAt(j, "nameserver")};
}

Result<std::unique_ptr<Driver>> MakeDriver(const std::string& name, const store::Paths& paths) {
  if (name != "native")
    return Error(StrCat("network driver \"", name, "\" not found: there is native"));
  HostNamespaces host = TRY(HostNamespaces::Current());
  return std::unique_ptr<Driver>(std::make_unique<NativeDriver>(paths, std::move(host)));
}

Status EnsureNode(const store::Paths& paths) {
  HostNamespaces host = TRY(HostNamespaces::Current());
  TRY(RaiseNode(paths, host));
  return OkStatus();
}

Status CollectGarbage(const store::Paths& paths, const std::vector<std::string>& live) {
  auto driver = TRY(MakeDriver("native", paths));
  auto lives = [&](const std::string& id) {
    return std::find(live.begin(), live.end(), id) != live.end();
  };
  bool used = false;
  std::vector<std::string> holders = TRY(LeaseHolders(paths));
  for (const PodRecord& r : TRY(ListRecords(paths))) holders.push_back(r.id);
  for (const std::string& id : holders) {
    if (lives(id)) {
      used = true;
    } else {
      TRY(driver->Detach(id));
    }
  }
  if (used) return OkStatus();
  HostNamespaces host = TRY(HostNamespaces::Current());
  TRY(MakeDirs(paths.Locks()));
  FileLock lock = TRY(FileLock::Acquire(NetworkLock(paths)));
  if (!TRY(LeaseHolders(paths)).empty()) return OkStatus();  // a pod came meanwhile
  return RazeNode(paths, host);
}

Result<Json> Inspect(const store::Paths& paths) {
  Json out = {{"driver", "native"}};
  std::optional<Config> config = TRY(ReadConfig(paths));
  if (config) {
    out["podRange"] = FormatRange(config->pods);
    out["serviceRange"] = FormatRange(config->services);
  }
  Json pods = Json::array();
  for (const PodRecord& r : TRY(ListRecords(paths))) {
    Json ports = Json::array();
    for (const PortMapping& p : r.ports)
      ports.push_back(StrCat(p.host_ip, p.host_ip.empty() ? "" : ":", p.host_port, "->",
                             p.container_port, "/", p.protocol));
    pods.push_back({{"id", r.id}, {"ip", FormatIpv4(r.ip)}, {"names", r.names}, {"ports", ports}});
  }
  out["pods"] = pods;
  return out;
}

Status BringUpLoopback() {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE));
  return socket.Run(SetLinkUp("lo"));
}

}  // namespace kpod::network
