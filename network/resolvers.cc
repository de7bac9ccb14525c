#include "network/resolvers.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "base/text.h"

namespace kpod::network {

namespace {
constexpr size_t kMost = 3;
constexpr uint16_t kPort = 53;
}  // namespace

std::vector<Resolver> ParseResolvers(std::string_view text) {
  std::vector<Resolver> out;
  for (const std::string& line : Split(text, '\n')) {
    std::vector<std::string> words;
    for (std::string& word : Split(ReplaceAll(line, "\t", " "), ' ')) {
      if (!word.empty()) words.push_back(std::string(Trim(word)));
    }
    if (words.size() < 2 || words[0] != "nameserver") continue;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    Resolver r;
    if (::inet_pton(AF_INET, words[1].c_str(), &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(kPort);
      r.size = sizeof(v4);
      std::memcpy(&r.address, &v4, sizeof(v4));
    } else if (::inet_pton(AF_INET6, words[1].c_str(), &v6.sin6_addr) == 1) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(kPort);
      r.size = sizeof(v6);
      std::memcpy(&r.address, &v6, sizeof(v6));
    } else {
      continue;
    }
    out.push_back(r);
    if (out.size() == kMost) break;
  }
  return out;
}

}  // namespace kpod::network
