#include "network/zone.h"

#include <algorithm>

#include "base/text.h"

namespace kpod::network {

namespace {

// "web" -> "web.<ns>.svc.cluster.local"; a name with dots is whole already.
std::string FullName(const PodRecord& p, const std::string& name) {
  return Contains(name, ".") ? name : StrCat(name, ".", p.Namespace(), ".svc.", kClusterDomain);
}

std::optional<Ipv4> ReverseAddress(const std::string& name) {
  constexpr std::string_view kReverse = ".in-addr.arpa";
  if (!name.ends_with(kReverse)) return std::nullopt;
  std::vector<std::string> parts =
      Split(std::string_view(name).substr(0, name.size() - kReverse.size()), '.');
  std::reverse(parts.begin(), parts.end());
  return ParseIpv4(Join(parts, "."));
}

}  // namespace

Answer Resolve(const std::string& name, const std::vector<PodRecord>& pods, const Range& range,
               const std::string& asker) {
  Answer a;
  if (std::optional<Ipv4> reverse = ReverseAddress(name)) {
    a.ours = range.Contains(*reverse);
    for (const PodRecord& p : pods) {
      if (p.ip == *reverse && !p.names.empty()) a.names.push_back(FullName(p, p.names.back()));
    }
    a.exists = !a.names.empty();
    return a;
  }
  std::string dotted = StrCat(".", name);
  if (!name.empty() && !Contains(name, ".")) {
    for (const PodRecord& p : pods) {
      if (p.ip != 0 && p.Namespace() == asker &&
          std::find(p.names.begin(), p.names.end(), name) != p.names.end())
        a.addresses.push_back(p.ip);
    }
    a.ours = a.exists = !a.addresses.empty();
    return a;
  }
  a.ours = dotted.ends_with(StrCat(".", kClusterDomain));
  if (!a.ours) return a;
  for (const PodRecord& p : pods) {
    if (p.ip == 0) continue;
    for (const std::string& own : p.names) {
      std::string full = FullName(p, own);
      if (full == name &&
          std::find(a.addresses.begin(), a.addresses.end(), p.ip) == a.addresses.end())
        a.addresses.push_back(p.ip);
      // A name that others lie below exists, without an address.
      a.exists = a.exists || StrCat(".", full).ends_with(dotted);
    }
    std::string by_address =
        StrCat(ReplaceAll(FormatIpv4(p.ip), ".", "-"), ".", p.Namespace(), ".pod.", kClusterDomain);
    if (by_address == name) a.addresses.push_back(p.ip);
  }
  a.exists = a.exists || !a.addresses.empty() || name == kClusterDomain;
  return a;
}

}  // namespace kpod::network
