// The network's state files, below <root>/network: config.json (the ranges, chosen at first use),
// leases/<address> (holds the pod's id; made with link(2), so that taking an address needs no
// lock), pods/<id>.json (what the pod has: the source of the nft maps and of the DNS zone).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "network/address.h"
#include "network/driver.h"
#include "store/paths.h"

namespace kpod::network {

struct Config {
  Range pods, services;
};
Result<std::optional<Config>> ReadConfig(const store::Paths& paths);
Status WriteConfig(const store::Paths& paths, const Config& config);

std::string NamespaceOf(const std::string& pod_id);

struct PodRecord {
  std::string id;  // "<namespace>_<name>"
  std::string driver = "native";
  Ipv4 ip = 0;         // 0: none of its own, and nothing to be told of it by DNS
  Ipv4 responder = 0;  // in the host's network: a loopback address where its DNS answers, or 0
  std::vector<std::string> names;
  std::vector<PortMapping> ports;

  std::string Namespace() const { return NamespaceOf(id); }
};
Result<std::vector<PodRecord>> ListRecords(const store::Paths& paths);
// Also of those that are damaged.
Result<std::vector<std::string>> ListRecordIds(const store::Paths& paths);
// An error with code() EBADMSG when it is damaged.
Result<std::optional<PodRecord>> ReadRecord(const store::Paths& paths, const std::string& pod_id);
Status WriteRecord(const store::Paths& paths, const PodRecord& record);
Status RemoveRecord(const store::Paths& paths, const std::string& pod_id);

// Takes an address for the pod, the one it had before when that is free.
Result<Ipv4> Lease(const store::Paths& paths, const Config& config, const std::string& pod_id,
                   const std::string& wanted);
Status ReleaseLeases(const store::Paths& paths, const std::string& pod_id);
struct LeaseRecord {
  Ipv4 ip = 0;
  std::string pod_id;  // "": it is damaged
};
Result<std::vector<LeaseRecord>> ListLeases(const store::Paths& paths);
// Each living pod has the lease of the address that its record says.
Status MendLeases(const store::Paths& paths,
                  const std::function<bool(const std::string& pod_id)>& alive);
// The half-written files of processes that were killed. With the network's lock.
void SweepState(const store::Paths& paths);

std::string RecordDirectory(const store::Paths& paths);

}  // namespace kpod::network
