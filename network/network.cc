#include "network/network.h"

#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "network/drivers.h"
#include "network/links.h"
#include "network/namespace.h"
#include "network/ports.h"

namespace kpod::network {

Json ToJson(const Attachment& a) {
  return {{"ip", a.ip},   {"gateway", a.gateway}, {"interface", a.interface},
          {"mac", a.mac}, {"hostIP", a.host_ip},  {"nameserver", a.nameserver}};
}

Attachment AttachmentFromJson(const Json& j) {
  return {StringAt(j, "ip"),  StringAt(j, "gateway"), StringAt(j, "interface"),
          StringAt(j, "mac"), StringAt(j, "hostIP"),  StringAt(j, "nameserver")};
}

Result<std::unique_ptr<Driver>> MakeDriver(const std::string& name, const store::Paths& paths) {
  if (name == "native") return MakeNativeDriver(paths);
  if (name == "host") return MakeHostDriver(paths);
  return Error(StrCat("network driver \"", name, "\" not found: there are native and host"));
}

Status Detach(const store::Paths& paths, const std::string& pod_id) {
  // Without a record, or a damaged one: as native's, cut off half-way.
  Result<std::optional<PodRecord>> record = ReadRecord(paths, pod_id);
  auto driver = TRY(MakeDriver(record && *record ? (*record)->driver : "native", paths));
  return driver->Detach(pod_id);
}

Status CollectGarbage(const store::Paths& paths,
                      const std::function<bool(const std::string& pod_id)>& alive) {
  // Nothing was ever attached here, or it has all been collected.
  if (TRY(ListLeases(paths)).empty() && TRY(ListDir(RecordDirectory(paths))).empty() &&
      !TRY(AnyServices(paths)) && !Exists(paths.run + "/netns"))
    return OkStatus();
  FileLock lock = TRY(LockNetwork(paths));
  HostNamespaces host = TRY(HostNamespaces::Current());
  SweepState(paths);
  TRY(MendLeases(paths, alive));
  std::set<std::string> ids;
  std::set<std::string> natives;
  for (const LeaseRecord& lease : TRY(ListLeases(paths))) natives.insert(lease.pod_id);
  for (const std::string& id : TRY(ListRecordIds(paths))) {
    Result<std::optional<PodRecord>> r = ReadRecord(paths, id);
    bool other = r && *r && (*r)->driver != "native";
    (other ? ids : natives).insert(id);
  }
  for (const std::string& id : ids) {
    if (!alive(id)) TRY(RemoveRecord(paths, id));
  }
  bool used = TRY(AnyServiceAddress(paths));
  for (const std::string& id : natives) {
    if (alive(id)) {
      used = true;
    } else {
      TRY(DetachNative(paths, host, id));
    }
  }
  if (!used) return RazeNode(paths, host);
  TRY(RaiseNode(paths, host));  // mends what somebody removed
  return OkStatus();
}

Status Mend(const store::Paths& paths) {
  if (!OpenNode(paths)) return OkStatus();
  FileLock lock = TRY(LockNetwork(paths));
  if (!OpenNode(paths)) return OkStatus();
  HostNamespaces host = TRY(HostNamespaces::Current());
  TRY(RaiseNode(paths, host));
  return OkStatus();
}

Result<Json> Inspect(const store::Paths& paths) {
  Json out = {{"driver", "native"}};
  std::optional<Config> config = TRY(ReadConfig(paths));
  HostTable table = HostTableFor(paths, config.value_or(Config{}));
  if (config) {
    out["podRange"] = FormatRange(config->pods);
    out["serviceRange"] = FormatRange(config->services);
  }
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE));
  if (auto link = TRY(FindLink(socket, table.uplink))) {
    out["uplink"] = {{"interface", link->name}, {"mtu", link->mtu}, {"up", link->up}};
  }
  Json pods = Json::array();
  for (const PodRecord& r : TRY(ListRecords(paths))) {
    Json ports = Json::array();
    for (const PortMapping& p : r.ports)
      ports.push_back(StrCat(p.host_ip, p.host_ip.empty() ? "" : ":", p.host_port, "->",
                             p.container_port, "/", p.protocol));
    pods.push_back({{"id", r.id},
                    {"driver", r.driver},
                    {"ip", FormatIpv4(r.ip)},
                    {"names", r.names},
                    {"ports", ports}});
  }
  out["pods"] = pods;
  // What kpod cannot open by itself: rules of others that drop what is forwarded.
  Json blocked = Json::array();
  Fd host = TRY(CurrentNamespace());
  Result<std::vector<ForwardDrop>> drops = ListForwardDrops(host.get());
  for (const ForwardDrop& d : drops ? *drops : std::vector<ForwardDrop>()) {
    if (d.family == "ip" && d.table == "filter" && d.chain == "FORWARD") continue;
    blocked.push_back(StrCat("nft chain ", d.family, " ", d.table, " ", d.chain,
                             " drops forwarded packets: let interface ", table.uplink, " pass"));
  }
  if (!blocked.empty()) out["blockedBy"] = blocked;
  return out;
}

Result<std::optional<Ipv4>> HostOutwardAddress() {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE));
  return OutwardAddress(socket);
}

Status BringUpLoopback() {
  NetlinkSocket socket = TRY(NetlinkSocket::Open(NETLINK_ROUTE));
  return socket.Run(SetLinkUp("lo"));
}

}  // namespace kpod::network
