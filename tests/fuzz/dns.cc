// Everything that reads a DNS packet, for libFuzzer: what a container asks, what upstream answers.
// The input is a query with its length before it, as on a stream, then a response.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "network/dns_cache.h"
#include "network/dns_forwarder.h"
#include "network/dns_packet.h"
#include "tests/unit/network/zone_example.h"

namespace kpod::network {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// What is sent for a query is a response to it, and no longer than its sender can take.
void IsReply(const std::string& reply, const std::string& query, size_t limit) {
  Require(reply.size() <= std::max<size_t>(limit, 512));
  if (reply.empty()) return;
  Require(reply.size() >= 12 && reply.substr(0, 2) == query.substr(0, 2));
  Require((static_cast<unsigned char>(reply[2]) & 0x80) != 0);
}

void Response(const std::string& query, const Question& question, const std::string& response) {
  (void)Answers(response, question.id, question);
  if (response.size() > question.udp_size)
    IsReply(Truncated(response, query, question.udp_size), query, question.udp_size);
  uint32_t seconds = LifetimeOf(response);
  Require(seconds <= 30);
  DnsCache cache;
  cache.Keep(query, response, 0);
  std::optional<std::string> again = cache.Find(query, 1);
  Require(!again || seconds > 0);
  (void)Aged(response, 7);
  (void)ParseAddressAnswer(response, question.name, false, question.id);
  (void)ParseAddressAnswer(response, question.name, true, question.id);
}

void Query(const std::string& query, const std::string& response) {
  static const Zone zone = TestZone();
  std::optional<Question> q = ParseQuestion(query);
  if (!q) {
    std::string refusal = BuildRefusal(query);
    Require(refusal.size() <= 12);
    return IsReply(refusal, query, 12);
  }
  Answer a = Resolve(q->name, zone, "default");
  Require(a.ours || !a.exists);
  IsReply(BuildAnswer(query, a, q->udp_size), query, q->udp_size);
  IsReply(BuildAliasAnswer(query, a, response, q->udp_size), query, q->udp_size);
  IsReply(BuildFailure(query), query, 512);
  IsReply(BuildWrongClass(query), query, 512);
  Response(query, *q, response);
}

}  // namespace
}  // namespace kpod::network

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  std::string query = kpod::network::Unframe(&rest).value_or("");
  kpod::network::Query(query, rest);
  kpod::network::Query(rest, query);
  return 0;
}
