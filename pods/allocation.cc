#include "pods/allocation.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "network/node.h"

namespace kpod::pods {

namespace {

using network::Address;
using network::Allocation;
using network::Ipv4;
using network::Range;

constexpr uint16_t kFirstNodePort = 30000, kLastNodePort = 32767;
// The first ones are left to those who ask for one by number, as long as there are others.
// Source: "Avoid collisions assigning ports to NodePort Services" and the same for ClusterIPs.
constexpr uint16_t kFirstDynamicNodePort = 30086;
uint32_t StaticBand(const Range& range) { return std::min(std::max(16U, range.Size() / 16), 256U); }

uint32_t Hash(std::string_view text) {
  uint32_t hash = 2166136261U;  // FNV-1a
  for (unsigned char c : text) hash = (hash ^ c) * 16777619U;
  return hash ^ hash >> 15;
}

class Request {
 public:
  Request(const kube::Service& service, const std::optional<Allocation>& before,
          const AllocationContext& context)
      : service_(service), before_(before), context_(context) {
    out_.ns = service.metadata.ns;
    out_.name = service.metadata.name;
  }

  Result<Allocation> Run() {
    if (!service_.IsExternalName() && !service_.IsHeadless()) {
      TRY(GiveAddress());
      if (service_.type == "NodePort" || service_.type == "LoadBalancer") TRY(GiveNodePorts());
      if (service_.type == "LoadBalancer") TRY(GiveHostPorts());
    }
    return std::move(out_);
  }

 private:
  Error Invalid(const std::string& field, const std::string& value, const std::string& why) const {
    return Error(StrCat("Service ", Quote(out_.name), " is invalid: ", field,
                        ": Invalid value: ", value, ": ", why));
  }

  bool IsTaken(const Address& ip) const {
    return std::any_of(context_.others.begin(), context_.others.end(), [&](const Allocation& o) {
      return std::find(o.cluster_ips.begin(), o.cluster_ips.end(), ip) != o.cluster_ips.end();
    });
  }

  Status CheckFamilies() {
    for (size_t i = 0; i < service_.ip_families.size(); ++i) {
      if (service_.ip_families[i] != "IPv4")
        return Invalid(StrCat("spec.ipFamilies[", i, "]"), Quote(service_.ip_families[i]),
                       "not configured on this cluster");
    }
    if (service_.ip_family_policy == "RequireDualStack")
      return Invalid("spec.ipFamilyPolicy", Quote(service_.ip_family_policy),
                     "this cluster is not configured for dual-stack services");
    return OkStatus();
  }

  Status GiveAddress() {
    TRY(CheckFamilies());
    std::vector<Address> had = before_ ? before_->cluster_ips : std::vector<Address>();
    std::erase_if(had,
                  [&](const Address& ip) { return ip.v6() || !context_.range.Contains(ip.v4()); });
    for (size_t i = 0; i < service_.cluster_ips.size(); ++i) {
      TRY(GiveAsked(i, service_.cluster_ips[i], had));
    }
    if (!out_.cluster_ips.empty()) return OkStatus();
    if (!had.empty() && !IsTaken(had.front())) {
      out_.cluster_ips = {had.front()};
      return OkStatus();
    }
    return GiveAny();
  }

  Status GiveAsked(size_t index, const std::string& text, const std::vector<Address>& had) {
    std::string value = StrCat("[", Quote(text), "]");
    auto ip = Address::Parse(text);
    if (!ip || ip->v6())
      return Invalid(StrCat("spec.clusterIPs[", index, "]"), value,
                     "may only be of a family that is configured on this cluster: IPv4");
    if (!had.empty() && had.front() != *ip)
      return Invalid(StrCat("spec.clusterIPs[", index, "]"), value, "may not change once set");
    const Range& range = context_.range;
    bool inside = range.Contains(ip->v4()) && ip->v4() != range.base && ip->v4() != range.Last();
    if (!inside)
      return Invalid("spec.clusterIPs", value,
                     StrCat("failed to allocate IP ", text, ": the provided IP (", text,
                            ") is not in the valid range. The range of valid IPs is ",
                            network::FormatRange(range)));
    if (IsTaken(*ip))
      return Invalid("spec.clusterIPs", value,
                     StrCat("failed to allocate IP ", text, ": provided IP is already allocated"));
    out_.cluster_ips.push_back(*ip);
    return OkStatus();
  }

  // From a hash of the name, so that a Service that comes back has its old address.
  Status GiveAny() {
    const Range& range = context_.range;
    std::set<Address> taken;
    for (const Allocation& o : context_.others)
      taken.insert(o.cluster_ips.begin(), o.cluster_ips.end());
    uint32_t hash = Hash(StrCat(out_.ns, "/", out_.name));
    uint32_t band = StaticBand(range);
    auto find = [&](uint32_t first, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) {
        Address ip(range.base + first + (hash % count + i) % count);
        if (taken.contains(ip)) continue;
        out_.cluster_ips = {ip};
        return true;
      }
      return false;
    };
    if (range.Size() > band + 1 && find(band, range.Size() - band - 1)) return OkStatus();
    if (find(1, std::min(band, range.Size() - 1) - 1)) return OkStatus();
    return Error(StrCat("Service ", Quote(out_.name),
                        " is invalid: spec.clusterIPs: "
                        "Internal error: failed to allocate a serviceIP: range is full"));
  }

  // Kubernetes counts node ports without regard to protocols.
  bool IsNodePortTaken(uint16_t port) const {
    return std::any_of(context_.others.begin(), context_.others.end(), [&](const Allocation& o) {
      return std::any_of(o.node_ports.begin(), o.node_ports.end(),
                         [&](const auto& entry) { return entry.second == port; });
    });
  }

  bool IsOwn(uint16_t node_port) const {
    return std::any_of(out_.node_ports.begin(), out_.node_ports.end(),
                       [&](const auto& entry) { return entry.second == node_port; });
  }

  uint16_t HadNodePort(const std::string& key) const {
    if (!before_) return 0;
    auto it = before_->node_ports.find(key);
    return it == before_->node_ports.end() ? uint16_t{0} : it->second;
  }

  Status GiveNodePorts() {
    // Those asked for by number first: nobody else of this Service shall get one of them.
    for (size_t i = 0; i < service_.ports.size(); ++i) {
      const kube::ServicePort& p = service_.ports[i];
      if (p.node_port == 0) continue;
      std::string field = StrCat("spec.ports[", i, "].nodePort");
      auto number = static_cast<uint16_t>(p.node_port);
      if (IsNodePortTaken(number))
        return Invalid(field, StrCat(p.node_port), "provided port is already allocated");
      std::string key = KeyOf(p);
      if (HadNodePort(key) != number) {
        Status free = context_.check_port({"", number, 0, ToLower(p.protocol)});
        if (!free) return Invalid(field, StrCat(p.node_port), free.error().message());
      }
      out_.node_ports[key] = number;
    }
    if (!service_.HasNodePorts()) return OkStatus();
    for (const kube::ServicePort& p : service_.ports) {
      if (p.node_port == 0) TRY(GiveNodePort(p));
    }
    return OkStatus();
  }

  Status GiveNodePort(const kube::ServicePort& p) {
    std::string key = KeyOf(p);
    uint16_t had = HadNodePort(key);
    if (had != 0 && !IsNodePortTaken(had)) {
      out_.node_ports[key] = had;
      return OkStatus();
    }
    auto fits = [&](uint16_t number) {
      return !IsNodePortTaken(number) && context_.check_port({"", number, 0, ToLower(p.protocol)});
    };
    // One number for TCP and UDP of the same port.
    for (const kube::ServicePort& other : service_.ports) {
      auto it = out_.node_ports.find(KeyOf(other));
      if (other.port != p.port || it == out_.node_ports.end() || !fits(it->second)) continue;
      out_.node_ports[key] = it->second;
      return OkStatus();
    }
    auto find = [&](uint16_t first, uint16_t last) {
      uint32_t count = last - first + 1U;
      uint32_t hash = Hash(StrCat(out_.ns, "/", out_.name, "/", key));
      for (uint32_t i = 0; i < count; ++i) {
        auto number = static_cast<uint16_t>(first + (hash % count + i) % count);
        if (IsOwn(number) || !fits(number)) continue;
        out_.node_ports[key] = number;
        return true;
      }
      return false;
    };
    if (find(kFirstDynamicNodePort, kLastNodePort) ||
        find(kFirstNodePort, kFirstDynamicNodePort - 1))
      return OkStatus();
    return Error(StrCat("Service ", Quote(out_.name),
                        " is invalid: spec.ports: Internal error: failed to allocate a nodePort: "
                        "range is full"));
  }

  Status GiveHostPorts() {
    for (size_t i = 0; i < service_.ports.size(); ++i) {
      const kube::ServicePort& p = service_.ports[i];
      std::string key = KeyOf(p);
      std::string field = StrCat("spec.ports[", i, "].port");
      for (const Allocation& o : context_.others) {
        bool taken = std::find(o.host_ports.begin(), o.host_ports.end(), key) != o.host_ports.end();
        if (taken)
          return Invalid(field, StrCat(p.port),
                         StrCat("host port ", p.port, "/", ToLower(p.protocol),
                                " is already used by service ", o.ns, "/", o.name));
      }
      bool had = before_ && std::find(before_->host_ports.begin(), before_->host_ports.end(),
                                      key) != before_->host_ports.end();
      if (!had) {
        Status free =
            context_.check_port({"", static_cast<uint16_t>(p.port), 0, ToLower(p.protocol)});
        if (!free) return Invalid(field, StrCat(p.port), free.error().message());
      }
      out_.host_ports.push_back(key);
    }
    return OkStatus();
  }

  static std::string KeyOf(const kube::ServicePort& p) {
    return network::PortKey(ToLower(p.protocol), static_cast<uint16_t>(p.port));
  }

  const kube::Service& service_;
  const std::optional<Allocation>& before_;
  const AllocationContext& context_;
  Allocation out_;
};

}  // namespace

Result<Allocation> Allocate(const kube::Service& service, const std::optional<Allocation>& before,
                            const AllocationContext& context) {
  return Request(service, before, context).Run();
}

Status Allocator::Allocate(const std::vector<kube::Service>& services) {
  if (services.empty()) return OkStatus();
  FileLock lock = TRY(network::LockNetwork(paths_));
  SweepTemps(network::AllocationDirectory(paths_));
  network::HostNamespaces host = TRY(network::HostNamespaces::Current());
  AllocationContext context;
  context.range = TRY(network::EnsureConfig(paths_, host)).services;
  std::vector<Allocation> all = TRY(network::ListAllocations(paths_));
  std::vector<network::PodRecord> pods = TRY(network::ListRecords(paths_));
  context.check_port = [&](const network::PortMapping& port) -> Status {
    network::PodRecord own;
    own.ports = {port};
    TRY(network::CheckAgainst(pods, own));
    return network::CheckFree(host.net.get(), port);
  };
  for (const kube::Service& service : services) {
    auto mine = [&](const Allocation& a) {
      return a.ns == service.metadata.ns && a.name == service.metadata.name;
    };
    std::optional<Allocation> before;
    if (auto it = std::find_if(all.begin(), all.end(), mine); it != all.end()) before = *it;
    std::erase_if(all, mine);
    context.others = all;
    Allocation given = TRY(pods::Allocate(service, before, context));
    if (!before || !(*before == given)) TRY(network::WriteAllocation(paths_, given));
    all.push_back(given);
    steps_.push_back({std::move(given), std::move(before)});
  }
  return OkStatus();
}

void Allocator::Restore() {
  Result<FileLock> lock = network::LockNetwork(paths_);  // without it, it is tried all the same
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->before) {
      (void)network::WriteAllocation(paths_, *step->before);
    } else {
      (void)network::RemoveAllocation(paths_, step->given.ns, step->given.name);
    }
  }
  steps_.clear();
}

}  // namespace kpod::pods
