// DNS packets (RFC 1035, EDNS0 RFC 6891). ldns parses and builds them and is seen in dns_packet.cc
// only.
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
  size_t udp_size = 512;
};
std::optional<Question> ParseQuestion(
    std::string_view packet);  // nullopt: no query with exactly one question
// The answer to `query` from the zone; cut to `limit` bytes with TC set.
std::string BuildAnswer(std::string_view query, const Answer& answer, size_t limit);
std::string BuildFailure(std::string_view query);  // SERVFAIL
// What is sent back for a packet that ParseQuestion does not take: NOTIMP or FORMERR in a bare
// header; nothing when it is no query at all, since an answer to an answer makes a loop.
std::string BuildRefusal(std::string_view packet);
// The packet with another id in its header.
std::string WithId(std::string_view packet, uint16_t id);
// A response of that id that carries the question that was asked.
bool Answers(std::string_view response, uint16_t id, const Question& question);
// The response, or when it is longer than `limit` an empty one with TC set.
std::string Truncated(std::string_view response, std::string_view query, size_t limit);

// A question of our own: the IPv4 or IPv6 addresses of a name (lower case, without the last dot).
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
