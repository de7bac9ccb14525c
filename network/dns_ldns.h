// What dns_packet.cc and dns_answer.cc share of ldns, which nobody else sees.
#pragma once

#include <cstdbool>  // without it ldns makes macros of bool, true and false
//
#include <ldns/ldns.h>

#include <memory>
#include <string>
#include <string_view>

namespace kpod::network {

struct FreePacket {
  void operator()(ldns_pkt* p) const { ldns_pkt_free(p); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

Packet ParsePacket(std::string_view bytes);
std::string Bytes(const ldns_pkt* p);
std::string NameOf(const ldns_rdf* owner);  // lower case, without the last dot
ldns_rdf* NameData(const std::string& name);
ldns_rr* QuestionOf(const ldns_pkt* p);
// A response with the question of `query` and nothing else.
Packet ResponseTo(std::string_view query);

}  // namespace kpod::network
