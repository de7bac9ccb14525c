#include "network/dns_packet.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace kpod::network {

namespace {

constexpr uint32_t kTtl = 5;  // as CoreDNS' kubernetes plugin
constexpr size_t kHeader = 12;

struct FreePacket {
  void operator()(ldns_pkt* p) const { ldns_pkt_free(p); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

Packet Parse(std::string_view bytes) {
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

// A response with the question of `query` and nothing else.
Packet ResponseTo(std::string_view query) {
  Packet q = Parse(query);
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

// `owner` "": the name that was asked for.
void Push(ldns_pkt* r, ldns_rr_type type, const std::string& value, const std::string& owner = "") {
  ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(r), 0);
  ldns_rr* rr = ldns_rr_new_frm_type(type);
  ldns_rdf* data = nullptr;
  if (type == LDNS_RR_TYPE_A) {
    data = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, value.c_str());
  } else if (type == LDNS_RR_TYPE_AAAA) {
    data = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_AAAA, value.c_str());
  } else {
    data = ldns_dname_new_frm_str((value + ".").c_str());
  }
  ldns_rdf* name = owner.empty() ? ldns_rdf_clone(ldns_rr_owner(question))
                                 : ldns_dname_new_frm_str((owner + ".").c_str());
  if (rr == nullptr || data == nullptr || name == nullptr) {
    ldns_rr_free(rr);
    ldns_rdf_deep_free(data);
    ldns_rdf_deep_free(name);
    return;
  }
  ldns_rr_set_owner(rr, name);
  ldns_rr_set_ttl(rr, kTtl);
  ldns_rr_set_rdf(rr, data, 0);
  ldns_pkt_push_rr(r, LDNS_SECTION_ANSWER, rr);
}

// How long "no such name" may be remembered (RFC 2308). Without it some resolvers ask again and
// again.
void PushSoa(ldns_pkt* r) {
  ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(r), 0);
  if (!StrCat(".", NameOf(ldns_rr_owner(question))).ends_with(StrCat(".", kClusterDomain))) return;
  std::string text = StrCat(kClusterDomain, ". ", kTtl, " IN SOA ns.dns.", kClusterDomain,
                            ". hostmaster.", kClusterDomain, ". 1 7200 1800 86400 ", kTtl);
  ldns_rr* soa = nullptr;
  if (ldns_rr_new_frm_str(&soa, text.c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK)
    ldns_pkt_push_rr(r, LDNS_SECTION_AUTHORITY, soa);
}

}  // namespace

std::optional<Question> ParseQuestion(std::string_view bytes) {
  Packet p = Parse(bytes);
  if (!p || ldns_pkt_qr(p.get()) || ldns_pkt_get_opcode(p.get()) != LDNS_PACKET_QUERY ||
      ldns_pkt_qdcount(p.get()) != 1)
    return std::nullopt;
  ldns_rr* rr = ldns_rr_list_rr(ldns_pkt_question(p.get()), 0);
  Question q;
  q.id = ldns_pkt_id(p.get());
  q.name = NameOf(ldns_rr_owner(rr));
  q.type = static_cast<uint16_t>(ldns_rr_get_type(rr));
  if (ldns_pkt_edns(p.get()))
    q.udp_size = std::clamp<size_t>(ldns_pkt_edns_udp_size(p.get()), 512, 4096);
  return q;
}

std::string BuildAnswer(std::string_view query, const Answer& answer, size_t limit) {
  Packet r = ResponseTo(query);
  if (!r) return {};
  ldns_rr_type type = ldns_rr_get_type(ldns_rr_list_rr(ldns_pkt_question(r.get()), 0));
  ldns_pkt_set_aa(r.get(), true);
  if (!answer.exists) ldns_pkt_set_rcode(r.get(), LDNS_RCODE_NXDOMAIN);
  bool any = type == LDNS_RR_TYPE_ANY;
  // Whoever asks for an address asks the alias for it next.
  if (!answer.alias.empty()) Push(r.get(), LDNS_RR_TYPE_CNAME, answer.alias);
  for (const Address& ip : answer.addresses) {
    ldns_rr_type of_family = ip.v6() ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A;
    if (any || type == of_family) Push(r.get(), of_family, ip.Text(), answer.alias);
  }
  if (type == LDNS_RR_TYPE_PTR || any) {
    for (const std::string& name : answer.names) Push(r.get(), LDNS_RR_TYPE_PTR, name);
  }
  if (ldns_pkt_ancount(r.get()) == 0) PushSoa(r.get());
  std::string out = Bytes(r.get());
  return out.size() <= limit ? out : Truncated(out, query, limit);
}

std::string BuildFailure(std::string_view query) {
  Packet r = ResponseTo(query);
  if (!r) return {};
  ldns_pkt_set_rcode(r.get(), LDNS_RCODE_SERVFAIL);
  return Bytes(r.get());
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

std::string BuildAddressQuery(const std::string& name, bool v6, uint16_t id) {
  ldns_rdf* owner = ldns_dname_new_frm_str((name + ".").c_str());
  if (owner == nullptr) return {};
  // Owns the name from here on.
  Packet p(ldns_pkt_query_new(owner, v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN,
                              LDNS_RD));
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
  Packet p = Parse(response);
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
