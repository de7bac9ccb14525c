// The zone's answers as packets.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "network/dns_ldns.h"
#include "network/dns_packet.h"

namespace kpod::network {

namespace {

constexpr uint32_t kTtl = 5;  // as CoreDNS' kubernetes plugin

ldns_rdf* AddressData(const Address& ip) {
  return ldns_rdf_new_frm_str(ip.v6() ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, ip.Text().c_str());
}
ldns_rr_type TypeOf(const Address& ip) { return ip.v6() ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A; }

// `owner` "": the name that was asked for. Data of which one is null make no record.
void Push(ldns_pkt* r, ldns_pkt_section section, ldns_rr_type type, const std::string& owner,
          const std::vector<ldns_rdf*>& data) {
  ldns_rr* rr = ldns_rr_new();
  ldns_rdf* name = owner.empty() ? ldns_rdf_clone(ldns_rr_owner(QuestionOf(r))) : NameData(owner);
  if (name == nullptr || std::find(data.begin(), data.end(), nullptr) != data.end()) {
    ldns_rr_free(rr);
    ldns_rdf_deep_free(name);
    for (ldns_rdf* d : data) ldns_rdf_deep_free(d);
    return;
  }
  ldns_rr_set_type(rr, type);
  ldns_rr_set_owner(rr, name);
  ldns_rr_set_ttl(rr, kTtl);
  for (ldns_rdf* d : data) ldns_rr_push_rdf(rr, d);
  ldns_pkt_push_rr(r, section, rr);
}

// Without the last record of the section.
void Pop(ldns_pkt* r, ldns_pkt_section section, ldns_rr_list* list) {
  ldns_rr_free(ldns_rr_list_pop_rr(list));
  ldns_pkt_set_section_count(r, section, static_cast<uint16_t>(ldns_rr_list_rr_count(list)));
}

// What is left out of the additional section is no loss to the answer (RFC 2181, 9).
std::string Fit(ldns_pkt* r, size_t limit) {
  std::string out = Bytes(r);
  if (out.size() <= limit) return out;
  while (ldns_pkt_arcount(r) > 0) Pop(r, LDNS_SECTION_ADDITIONAL, ldns_pkt_additional(r));
  for (out = Bytes(r); out.size() > limit && ldns_pkt_ancount(r) > 0; out = Bytes(r)) {
    ldns_pkt_set_tc(r, true);
    size_t keep =
        std::min<size_t>(ldns_pkt_ancount(r) - 1U, ldns_pkt_ancount(r) * limit / out.size());
    while (ldns_pkt_ancount(r) > keep) Pop(r, LDNS_SECTION_ANSWER, ldns_pkt_answer(r));
  }
  return out;
}

// How long "no such name" may be remembered (RFC 2308). Without it some resolvers ask again and
// again.
void PushSoa(ldns_pkt* r) {
  if (!StrCat(".", NameOf(ldns_rr_owner(QuestionOf(r)))).ends_with(StrCat(".", kClusterDomain)))
    return;
  std::string text = StrCat(kClusterDomain, ". ", kTtl, " IN SOA ns.dns.", kClusterDomain,
                            ". hostmaster.", kClusterDomain, ". 1 7200 1800 86400 ", kTtl);
  ldns_rr* soa = nullptr;
  if (ldns_rr_new_frm_str(&soa, text.c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK)
    ldns_pkt_push_rr(r, LDNS_SECTION_AUTHORITY, soa);
}

void PushAliases(ldns_pkt* r, const Answer& answer) {
  std::string owner;
  for (const std::string& alias : answer.aliases) {
    Push(r, LDNS_SECTION_ANSWER, LDNS_RR_TYPE_CNAME, owner, {NameData(alias)});
    owner = alias;
  }
}

void PushPlaces(ldns_pkt* r, const Answer& answer, const std::string& owner) {
  auto number = [](uint16_t n) { return ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, n); };
  // As CoreDNS: all alike, the weights adding up to a hundred.
  auto weight = static_cast<uint16_t>(std::max<size_t>(1, 100 / answer.places.size()));
  for (const Answer::Place& p : answer.places)
    Push(r, LDNS_SECTION_ANSWER, LDNS_RR_TYPE_SRV, owner,
         {number(0), number(weight), number(p.port), NameData(p.host)});
  for (const Answer::Place& p : answer.places) {
    for (const Address& ip : p.addresses)
      Push(r, LDNS_SECTION_ADDITIONAL, TypeOf(ip), p.host, {AddressData(ip)});
  }
}

}  // namespace

std::string BuildAnswer(std::string_view query, const Answer& answer, size_t limit) {
  Packet r = ResponseTo(query);
  if (!r) return {};
  ldns_rr_type type = ldns_rr_get_type(QuestionOf(r.get()));
  auto wanted = [&](ldns_rr_type t) { return type == t || type == LDNS_RR_TYPE_ANY; };
  ldns_pkt_set_aa(r.get(), true);
  if (!answer.exists) ldns_pkt_set_rcode(r.get(), LDNS_RCODE_NXDOMAIN);
  PushAliases(r.get(), answer);
  std::string owner = answer.aliases.empty() ? "" : answer.aliases.back();
  for (const Address& ip : answer.addresses) {
    if (wanted(TypeOf(ip)))
      Push(r.get(), LDNS_SECTION_ANSWER, TypeOf(ip), owner, {AddressData(ip)});
  }
  if (wanted(LDNS_RR_TYPE_SRV) && !answer.places.empty()) PushPlaces(r.get(), answer, owner);
  if (wanted(LDNS_RR_TYPE_TXT) && !answer.text.empty())
    Push(r.get(), LDNS_SECTION_ANSWER, LDNS_RR_TYPE_TXT, owner,
         {ldns_rdf_new_frm_str(LDNS_RDF_TYPE_STR, answer.text.c_str())});
  if (wanted(LDNS_RR_TYPE_PTR)) {
    for (const std::string& name : answer.names)
      Push(r.get(), LDNS_SECTION_ANSWER, LDNS_RR_TYPE_PTR, owner, {NameData(name)});
  }
  if (ldns_pkt_ancount(r.get()) == 0) PushSoa(r.get());
  return Fit(r.get(), limit);
}

bool NeedsMore(const Answer& answer, uint16_t type) {
  return answer.leads_outside && type != LDNS_RR_TYPE_CNAME && type != LDNS_RR_TYPE_ANY;
}

std::string BuildAliasAnswer(std::string_view query, const Answer& answer,
                             std::string_view response, size_t limit) {
  Packet r = ResponseTo(query);
  Packet there = ParsePacket(response);
  if (!r) return {};
  if (!there) return BuildFailure(query);
  ldns_pkt_set_rcode(r.get(), ldns_pkt_get_rcode(there.get()));
  ldns_pkt_set_tc(r.get(), ldns_pkt_tc(there.get()));
  PushAliases(r.get(), answer);
  const ldns_rr_list* records = ldns_pkt_answer(there.get());
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i)
    ldns_pkt_push_rr(r.get(), LDNS_SECTION_ANSWER, ldns_rr_clone(ldns_rr_list_rr(records, i)));
  return Fit(r.get(), limit);
}

}  // namespace kpod::network
