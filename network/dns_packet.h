// DNS packets (RFC 1035, EDNS0 RFC 6891). ldns parses and builds them and is seen in
// dns_packet.cc and dns_answer.cc only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "network/zone.h"

namespace kpod::network {

struct Question {
  uint16_t id = 0;
  std::string name;  // lower case, without the last dot
  uint16_t type = 0;
  bool internet = true;  // class IN or ANY
  size_t udp_size = 512;
};
// nullopt: no query with exactly one question
std::optional<Question> ParseQuestion(std::string_view packet);
// The answer to `query` from the zone. What is longer than `limit` bytes loses the records that do
// not fit, and has TC set: not every client asks again over TCP.
std::string BuildAnswer(std::string_view query, const Answer& answer, size_t limit);
// Whether an answer of that type has to be completed by asking for the last alias elsewhere.
bool NeedsMore(const Answer& answer, uint16_t type);
// The same, for aliases that lead to a name of which `response` tells.
std::string BuildAliasAnswer(std::string_view query, const Answer& answer,
                             std::string_view response, size_t limit);
std::string BuildFailure(std::string_view query);     // SERVFAIL
std::string BuildWrongClass(std::string_view query);  // REFUSED
// What is sent back for a packet that ParseQuestion does not take: NOTIMP or FORMERR in a bare
// header; nothing when it is no query at all, since an answer to an answer makes a loop.
std::string BuildRefusal(std::string_view packet);
// The packet with another id in its header.
std::string WithId(std::string_view packet, uint16_t id);
// A response of that id that carries the question that was asked.
bool Answers(std::string_view response, uint16_t id, const Question& question);
// The response, or when it is longer than `limit` an empty one with TC set.
std::string Truncated(std::string_view response, std::string_view query, size_t limit);

// For how many seconds a response may be given again (RFC 2181, RFC 2308); 0: not at all.
uint32_t LifetimeOf(std::string_view response);
// The response with every TTL less by the seconds that have passed; empty: it cannot be parsed.
std::string Aged(std::string_view response, uint32_t seconds);

// A question of our own: records of a name (lower case, without the last dot).
std::string BuildQuery(const std::string& name, uint16_t type, uint16_t id);
std::string BuildAddressQuery(const std::string& name, bool v6, uint16_t id);
struct AddressAnswer {
  enum class Outcome {
    kFound,
    kNoSuchName,
    kFailed
  };  // kFound: the name is there, perhaps without
  Outcome outcome = Outcome::kFailed;
  std::vector<std::string> addresses;
};
// nullopt: no answer to that question.
std::optional<AddressAnswer> ParseAddressAnswer(std::string_view response, const std::string& name,
                                                bool v6, uint16_t id);

}  // namespace kpod::network
