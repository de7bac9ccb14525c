// The rules that carry Services, in the node's namespace: everything that comes from a pod, and
// what the host sends to a Service, is translated there. One family a table.
//
// Elements in maps, not chains for each Service: a change of endpoints is a transaction of a few
// elements, however many Services there are.
//   services   address . protocol . port            -> goto pick-N or stick-N-SECONDS
//   endpoints  address . protocol . port . index    -> address . port
//   members    address . protocol . port . address . port      (of Services with affinity)
//   affinity   client . address . protocol . port   -> address . port, which expires
//   hairpin    address . address: an endpoint that talks to itself by way of a Service
//   ignored    address . protocol . port: internalTrafficPolicy Local, and nothing is local
// Chain pick-N takes one of N endpoints at random. Whatever else goes to the range of the Services
// is refused at once, with a reset or an ICMP message.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "network/nft_batch.h"
#include "network/service.h"

namespace kpod::network {

struct NodeTable {
  std::string name = "kpod";
  std::string uplink = "uplink";
  bool v6 = false;
  // Of the Services, in network order: what is in it and in no map is refused.
  std::string range_base, range_mask;
};

struct Picker {
  uint32_t count = 0;    // endpoints
  uint32_t seconds = 0;  // of affinity; 0: none
  auto operator<=>(const Picker&) const = default;
  std::string Chain() const;
};

// Keys and data as the kernel has them.
struct ServiceElements {
  using Map = std::map<std::string, std::string>;
  std::map<std::string, Picker> services;
  Map endpoints, members, hairpin, ignored;
  bool operator==(const ServiceElements&) const = default;
};
ServiceElements ServiceElementsOf(const std::vector<ServiceRecord>& services, bool v6);

// The whole table, made anew; replaces what is there.
NftBatch NodeTableBatch(const NodeTable& table, const ServiceElements& elements);
NftBatch DeleteNodeTableBatch(const NodeTable& table);
// What makes `after` of `before`. An error with code() ENOENT or EEXIST: the kernel does not have
// `before`.
NftBatch ServiceChangeBatch(const NodeTable& table, const ServiceElements& before,
                            const ServiceElements& after);

}  // namespace kpod::network
