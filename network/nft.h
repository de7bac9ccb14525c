// The host's nftables table: masquerade of what pods send out, and host ports as maps. The texts
// are pure; `nft -f -` carries them out as one transaction each (nft(8)).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "network/state.h"

namespace kpod::network {

struct HostTable {
  std::string name;    // "kpod" or with the instance
  std::string uplink;  // the host's end
  Config config;
};
// The whole table, made anew; replaces what is there.
std::string TableScript(const HostTable& table, const std::vector<PodRecord>& pods);
// Only the elements of one pod, added.
std::string AddPortsScript(const HostTable& table, const PodRecord& pod);
std::string DeleteTableScript(const HostTable& table);

Status RunNft(int netns_fd, const std::string& script);
Result<bool> TableExists(int netns_fd, const std::string& name);

}  // namespace kpod::network
