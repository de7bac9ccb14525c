#include "network/publish.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "network/conntrack.h"
#include "network/node.h"

namespace kpod::network {

namespace {

// There from before the kernel is told until the file says the same: whoever finds it writes all
// anew.
std::string Marker(const store::Paths& paths) { return ServiceDirectory(paths) + "/changing"; }

struct Change {
  std::vector<ServiceRecord> before, after;  // of all namespaces
};

// True when the kernel was not in the state that the files tell of.
bool IsMismatch(const Error& e) {
  return e.code() == ENOENT || e.code() == EEXIST || e.code() == EBUSY || e.code() == ENOTEMPTY;
}

Status TellHost(const store::Paths& paths, const HostNamespaces& host, const Config& config,
                const Change& change) {
  HostElements before = ElementsOf(change.before);
  HostElements after = ElementsOf(change.after);
  if (before == after) return OkStatus();
  return HostChangeBatch(HostTableFor(paths, config), before, after).Run(host.net.get());
}

Status TellNode(int node_net, const Config& config, const Change& change) {
  ServiceElements before = ServiceElementsOf(change.before, false);
  ServiceElements after = ServiceElementsOf(change.after, false);
  if (before == after) return OkStatus();
  return ServiceChangeBatch(NodeTableFor(config), before, after).Run(node_net);
}

// The ports of the host that UDP clients may still be sending to.
std::vector<PortMapping> UdpPortsOf(const std::vector<ServiceRecord>& services) {
  std::vector<PortMapping> out;
  for (const ServiceRecord& s : services) {
    for (const ServicePort& p : s.ports) {
      if (p.protocol != "udp") continue;
      if (p.node_port != 0) out.push_back({"", p.node_port, 0, "udp"});
      if (s.on_host) out.push_back({"", p.port, 0, "udp"});
      for (const Address& ip : s.external_ips) out.push_back({ip.Text(), p.port, 0, "udp"});
    }
  }
  return out;
}

std::vector<PortMapping> Differing(const std::vector<PortMapping>& a,
                                   const std::vector<PortMapping>& b) {
  std::vector<PortMapping> out;
  for (const PortMapping& p : a) {
    bool both = std::any_of(b.begin(), b.end(), [&](const PortMapping& o) {
      return o.host_ip == p.host_ip && o.host_port == p.host_port;
    });
    if (!both) out.push_back(p);
  }
  return out;
}

// A UDP client that keeps sending keeps its translation alive, also to an endpoint that is gone.
Status ForgetFlows(const HostNamespaces& host, int node_net, const Change& change) {
  std::vector<UdpTranslation> gone = UdpTranslationsOf(change.before);
  std::vector<UdpTranslation> kept = UdpTranslationsOf(change.after);
  std::erase_if(gone, [&](const UdpTranslation& t) {
    return std::find(kept.begin(), kept.end(), t) != kept.end();
  });
  TRY(ForgetUdpTranslations(node_net, gone));
  std::vector<PortMapping> before = UdpPortsOf(change.before);
  std::vector<PortMapping> after = UdpPortsOf(change.after);
  std::vector<PortMapping> ports = Differing(before, after);
  for (PortMapping& p : Differing(after, before)) ports.push_back(std::move(p));
  return ForgetUdpFlows(host.net.get(), ports);
}

bool HasTemps(const std::string& directory) {
  std::vector<std::string> names = ListDir(directory).value_or(std::vector<std::string>());
  return std::any_of(names.begin(), names.end(), [](const auto& n) { return IsTempName(n); });
}

// What a writer that was killed has left. Those that live have the lock.
Status SweepKilled(const store::Paths& paths) {
  for (const std::string& directory : {ServiceDirectory(paths), AllocationDirectory(paths)}) {
    if (!HasTemps(directory)) continue;
    FileLock lock = TRY(LockNetwork(paths));
    SweepTemps(directory);
  }
  return OkStatus();
}

Status WriteAll(const store::Paths& paths, const HostNamespaces& host, int node_net,
                const Config& config) {
  TRY(RewriteHostTable(paths, host, config));
  return RewriteNodeTable(paths, node_net, config);
}

}  // namespace

Status PublishServices(const store::Paths& paths, const std::string& ns,
                       const std::vector<ServiceRecord>& services) {
  TRY(SweepKilled(paths));
  bool damaged = Exists(Marker(paths));
  Change change;
  Result<std::vector<ServiceRecord>> listed = ListServices(paths);
  if (listed) {
    change.before = std::move(*listed);
  } else {
    damaged = true;
  }
  std::vector<ServiceRecord> mine;
  for (const ServiceRecord& s : change.before) (s.ns == ns ? mine : change.after).push_back(s);
  if (mine == services && !damaged) return OkStatus();
  change.after.insert(change.after.end(), services.begin(), services.end());

  FileLock lock = TRY(LockNetwork(paths));
  HostNamespaces host = TRY(HostNamespaces::Current());
  Result<Fd> node = OpenNode(paths);
  if (!node) {
    TRY(WriteServices(paths, ns, services));
    ::unlink(Marker(paths).c_str());
    if (HaveAddresses(change.after)) TRY(RaiseNode(paths, host));
    return OkStatus();
  }
  Config config = TRY(ReadConfig(paths)).value_or(Config{});
  TRY(MakeDirs(ServiceDirectory(paths)));
  TRY(Open(Marker(paths), O_WRONLY | O_CREAT, 0600));
  bool whole = damaged || HaveAddresses(change.before) != HaveAddresses(change.after);
  if (!whole) {
    Status told = TellHost(paths, host, config, change);
    if (told) told = TellNode(node->get(), config, change);
    if (!told && !IsMismatch(told.error())) return told;
    whole = !told;
  }
  if (whole) {
    TRY(WriteServices(paths, ns, services));  // it is what the rules are made from
    TRY(WriteAll(paths, host, node->get(), config));
  }
  TRY(ForgetFlows(host, node->get(), change));
  TRY(WriteServices(paths, ns, services));
  if (::unlink(Marker(paths).c_str()) < 0) return Error::Errno("remove " + Marker(paths));
  return OkStatus();
}

}  // namespace kpod::network
