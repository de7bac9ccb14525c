// The name servers of a resolv.conf (resolv.conf(5)). Pure.
#pragma once

#include <sys/socket.h>

#include <string_view>
#include <vector>

namespace kpod::network {

struct Resolver {
  sockaddr_storage address{};  // AF_INET or AF_INET6, port 53
  socklen_t size = 0;
};
// The first three, as the C library takes them; addresses with a scope ("fe80::1%eth0") are left
// out.
std::vector<Resolver> ParseResolvers(std::string_view resolv_conf);

}  // namespace kpod::network
