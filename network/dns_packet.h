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
// The packet with another id in its header.
std::string WithId(std::string_view packet, uint16_t id);
// A response that carries the question that was asked.
bool Answers(std::string_view response, const Question& question);
std::string Truncated(std::string_view response, std::string_view query, size_t limit);

}  // namespace kpod::network
