#include "network/dns_packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "network/dns_ldns.h"

namespace kpod::network {

namespace {

constexpr size_t kHeader = 12;

}  // namespace

Packet ParsePacket(std::string_view bytes) {
  ldns_pkt* p = nullptr;
  if (ldns_wire2pkt(&p, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) !=
      LDNS_STATUS_OK)
    return nullptr;
  return Packet(p);
}

std::string Bytes(const ldns_pkt* p) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  std::string out;
  if (ldns_pkt2wire(&wire, p, &size) == LDNS_STATUS_OK)
    out.assign(reinterpret_cast<char*>(wire), size);
  std::free(wire);
  return out;
}

std::string NameOf(const ldns_rdf* owner) {
  char* text = ldns_rdf2str(owner);
  std::string name = ToLower(text == nullptr ? "" : text);
  std::free(text);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

Packet ResponseTo(std::string_view query) {
  Packet q = ParsePacket(query);
  if (!q || ldns_pkt_qdcount(q.get()) != 1) return nullptr;
  Packet r(ldns_pkt_new());
  ldns_pkt_set_id(r.get(), ldns_pkt_id(q.get()));
  ldns_pkt_set_qr(r.get(), true);
  ldns_pkt_set_rd(r.get(), ldns_pkt_rd(q.get()));
  ldns_pkt_set_ra(r.get(), true);
  ldns_pkt_push_rr(r.get(), LDNS_SECTION_QUESTION,
                   ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(q.get()), 0)));
  if (ldns_pkt_edns(q.get())) ldns_pkt_set_edns_udp_size(r.get(), 1232);
  return r;
}

ldns_rr* QuestionOf(const ldns_pkt* p) { return ldns_rr_list_rr(ldns_pkt_question(p), 0); }

ldns_rdf* NameData(const std::string& name) { return ldns_dname_new_frm_str((name + ".").c_str()); }

std::optional<Question> ParseQuestion(std::string_view bytes) {
  Packet p = ParsePacket(bytes);
  if (!p || ldns_pkt_qr(p.get()) || ldns_pkt_get_opcode(p.get()) != LDNS_PACKET_QUERY ||
      ldns_pkt_qdcount(p.get()) != 1)
    return std::nullopt;
  ldns_rr* rr = QuestionOf(p.get());
  Question q;
  q.id = ldns_pkt_id(p.get());
  q.name = NameOf(ldns_rr_owner(rr));
  q.type = static_cast<uint16_t>(ldns_rr_get_type(rr));
  q.internet =
      ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN || ldns_rr_get_class(rr) == LDNS_RR_CLASS_ANY;
  if (ldns_pkt_edns(p.get()))
    q.udp_size = std::clamp<size_t>(ldns_pkt_edns_udp_size(p.get()), 512, 4096);
  return q;
}

namespace {
std::string WithoutAnswer(std::string_view query, ldns_pkt_rcode rcode) {
  Packet r = ResponseTo(query);
  if (!r) return {};
  ldns_pkt_set_rcode(r.get(), rcode);
  return Bytes(r.get());
}
}  // namespace

std::string BuildFailure(std::string_view query) {
  return WithoutAnswer(query, LDNS_RCODE_SERVFAIL);
}
std::string BuildWrongClass(std::string_view query) {
  return WithoutAnswer(query, LDNS_RCODE_REFUSED);
}

std::string BuildRefusal(std::string_view packet) {
  if (packet.size() < kHeader || (packet[2] & 0x80) != 0) return {};
  int opcode = packet[2] >> 3 & 15;
  std::string out(packet.substr(0, 2));
  out.push_back(static_cast<char>(0x80 | (packet[2] & 0x79)));  // the opcode and RD come back
  out.push_back(opcode == LDNS_PACKET_QUERY ? LDNS_RCODE_FORMERR : LDNS_RCODE_NOTIMPL);
  out.resize(kHeader, '\0');
  return out;
}

std::string Truncated(std::string_view response, std::string_view query, size_t limit) {
  if (response.size() <= limit) return std::string(response);
  Packet r = ResponseTo(query);
  if (!r) return {};
  ldns_pkt_set_tc(r.get(), true);
  return Bytes(r.get());
}

std::string WithId(std::string_view packet, uint16_t id) {
  std::string out(packet);
  if (out.size() >= 2) {
    out[0] = static_cast<char>(id >> 8);
    out[1] = static_cast<char>(id & 0xff);
  }
  return out;
}

bool Answers(std::string_view response, uint16_t id, const Question& q) {
  // The header and the question, no more: the rest is for the client to understand.
  if (response.size() < kHeader || WithId(response, id) != response) return false;
  auto byte = [&](size_t i) { return static_cast<unsigned char>(response[i]); };
  if (!(byte(2) & 0x80) || byte(4) != 0 || byte(5) != 1) return false;
  ldns_rr* rr = nullptr;
  size_t at = kHeader;
  if (ldns_wire2rr(&rr, reinterpret_cast<const uint8_t*>(response.data()), response.size(), &at,
                   LDNS_SECTION_QUESTION) != LDNS_STATUS_OK)
    return false;
  bool same =
      NameOf(ldns_rr_owner(rr)) == q.name && static_cast<uint16_t>(ldns_rr_get_type(rr)) == q.type;
  ldns_rr_free(rr);
  return same;
}

namespace {

// Of all records that the packet has.
std::vector<ldns_rr*> RecordsOf(const ldns_pkt* p) {
  std::vector<ldns_rr*> out;
  for (const ldns_rr_list* list :
       {ldns_pkt_answer(p), ldns_pkt_authority(p), ldns_pkt_additional(p)}) {
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i)
      out.push_back(ldns_rr_list_rr(list, i));
  }
  return out;
}

}  // namespace

uint32_t LifetimeOf(std::string_view response) {
  constexpr uint32_t kLongest = 30;  // as CoreDNS is set up for a cluster
  constexpr size_t kSoaMinimum = 6;
  Packet p = ParsePacket(response);
  if (!p || ldns_pkt_tc(p.get()) || ldns_pkt_tsig(p.get()) != nullptr) return 0;
  ldns_pkt_rcode rcode = ldns_pkt_get_rcode(p.get());
  if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) return 0;
  uint32_t least = kLongest;
  bool has_soa = false;
  for (const ldns_rr* rr : RecordsOf(p.get())) {
    least = std::min(least, ldns_rr_ttl(rr));
    if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) <= kSoaMinimum) continue;
    has_soa = true;
    least = std::min(least, ldns_rdf2native_int32(ldns_rr_rdf(rr, kSoaMinimum)));
  }
  // That there is nothing is kept no longer than its zone says, so not at all when that is silent.
  bool nothing = rcode == LDNS_RCODE_NXDOMAIN || ldns_pkt_ancount(p.get()) == 0;
  return nothing && !has_soa ? 0 : least;
}

std::string Aged(std::string_view response, uint32_t seconds) {
  Packet p = ParsePacket(response);
  if (!p) return {};
  for (ldns_rr* rr : RecordsOf(p.get()))
    ldns_rr_set_ttl(rr, ldns_rr_ttl(rr) - std::min(seconds, ldns_rr_ttl(rr)));
  return Bytes(p.get());
}

std::string BuildAddressQuery(const std::string& name, bool v6, uint16_t id) {
  return BuildQuery(name, v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A, id);
}

std::string BuildQuery(const std::string& name, uint16_t type, uint16_t id) {
  ldns_rdf* owner = NameData(name);
  if (owner == nullptr) return {};
  // Owns the name from here on.
  Packet p(ldns_pkt_query_new(owner, static_cast<ldns_rr_type>(type), LDNS_RR_CLASS_IN, LDNS_RD));
  if (!p) return {};
  ldns_pkt_set_id(p.get(), id);
  ldns_pkt_set_edns_udp_size(p.get(), 1232);
  return Bytes(p.get());
}

std::optional<AddressAnswer> ParseAddressAnswer(std::string_view response, const std::string& name,
                                                bool v6, uint16_t id) {
  constexpr size_t kMostAddresses = 16;
  ldns_rr_type type = v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A;
  Question question;
  question.name = name;
  question.type = static_cast<uint16_t>(type);
  if (!Answers(response, id, question)) return std::nullopt;
  AddressAnswer out;
  Packet p = ParsePacket(response);
  if (!p) return out;
  ldns_pkt_rcode rcode = ldns_pkt_get_rcode(p.get());
  if (rcode == LDNS_RCODE_NXDOMAIN) out.outcome = AddressAnswer::Outcome::kNoSuchName;
  if (rcode != LDNS_RCODE_NOERROR) return out;
  // Whoever answers for others follows aliases too; the addresses are those at their end.
  const ldns_rr_list* answers = ldns_pkt_answer(p.get());
  for (size_t i = 0; i < ldns_rr_list_rr_count(answers); ++i) {
    const ldns_rr* rr = ldns_rr_list_rr(answers, i);
    if (ldns_rr_get_type(rr) != type || ldns_rr_rd_count(rr) != 1) continue;
    char* text = ldns_rdf2str(ldns_rr_rdf(rr, 0));
    if (text != nullptr && out.addresses.size() < kMostAddresses) out.addresses.emplace_back(text);
    std::free(text);
  }
  if (!out.addresses.empty() || !ldns_pkt_tc(p.get())) out.outcome = AddressAnswer::Outcome::kFound;
  return out;
}

}  // namespace kpod::network
