// The host's nftables table: masquerade of what pods send out, and the ports of pods and Services
// as maps. Made by netlink, one transaction each; on the start path of a pod only elements are
// added to the maps.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/nft_batch.h"
#include "network/service.h"
#include "network/state.h"

namespace kpod::network {

struct HostTable {
  std::string name;    // "kpod" or with the instance
  std::string uplink;  // the host's end
  Config config;
};
// The elements of its maps and sets, as the kernel has them.
//   ports             protocol . port           -> address . port, on every address of the host
//   ports_of_address  address . protocol . port -> address . port
//   guarded           protocol . port: of clients elsewhere only those in `allowed` come in
//   allowed           protocol . port . ranges of clients
// A Service's ports lead to its own address, and only there to an endpoint: the host's table does
// not change with endpoints, but for externalTrafficPolicy Local when the last one here goes.
struct HostElements {
  using Map = std::map<std::string, std::string>;
  Map any, one, guarded;
  Map allowed;  // first key -> last key
  bool operator==(const HostElements&) const = default;
};
HostElements ElementsOf(const PodRecord& pod);
HostElements ElementsOf(const std::vector<ServiceRecord>& services);
// The whole table, made anew. `replace`: there may be one already; where there is none, removing
// it for nothing would take some RCU grace periods, 5 to 15 ms.
NftBatch TableBatch(const HostTable& table, bool replace, const std::vector<PodRecord>& pods,
                    const std::vector<ServiceRecord>& services);
// What makes `after` of `before`, as for the pods' ports below.
NftBatch HostChangeBatch(const HostTable& table, const HostElements& before,
                         const HostElements& after);
// Only the elements of one pod. Removing what is not there is the error ENOENT.
NftBatch AddPortsBatch(const HostTable& table, const PodRecord& pod);
NftBatch RemovePortsBatch(const HostTable& table, const PodRecord& pod);
NftBatch DeleteTableBatch(const HostTable& table);

Result<bool> TableExists(int netns_fd, const std::string& name);

// Other programs' chains at the forward hook that drop by policy: an accept of ours does not
// overrule them.
struct ForwardDrop {
  std::string family, table, chain;  // "ip" "filter" "FORWARD": iptables', as docker sets it
};
Result<std::vector<ForwardDrop>> ListForwardDrops(int netns_fd);
// Where the chain is iptables' (ip filter FORWARD), two rules at its head let the uplink's traffic
// pass; they carry the table's name as their comment. Idempotent.
Status OpenForward(int netns_fd, const HostTable& table);
Status CloseForward(int netns_fd, const HostTable& table);

}  // namespace kpod::network
