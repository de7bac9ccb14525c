// A zone with one of everything, for the tests of names and of packets.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "network/zone.h"

namespace kpod::network {

inline PodRecord Pod(const std::string& id, const std::string& ip, std::vector<std::string> names) {
  PodRecord p;
  p.id = id;
  p.ip = *ParseIpv4(ip);
  p.names = std::move(names);
  return p;
}

inline Endpoint Ready(const std::string& ip, const std::string& hostname = "", bool ready = true) {
  Endpoint e;
  e.ip = *Address::Parse(ip);
  e.ready = ready;
  e.hostname = hostname;
  e.ports = {8080, 0};
  return e;
}

inline ServicePort Port(const std::string& name, const std::string& protocol, uint16_t port) {
  ServicePort p;
  p.name = name;
  p.protocol = protocol;
  p.port = port;
  return p;
}

inline ServiceRecord Service(const std::string& ns, const std::string& name,
                             const std::string& ip) {
  ServiceRecord s;
  s.ns = ns;
  s.name = name;
  if (!ip.empty()) s.cluster_ips = {*Address::Parse(ip)};
  return s;
}

inline Zone TestZone() {
  Zone z;
  z.pod_range = *ParseRange("10.244.0.0/16");
  z.service_range = *ParseRange("10.96.0.0/16");
  z.pods = {Pod("default_web", "10.244.0.10", {"web"}),
            Pod("default_db-0", "10.244.0.11", {"db-0", "db-0.db.default.svc.cluster.local"}),
            Pod("other_web", "10.244.0.12", {"web"}), Pod("default_api", "10.244.0.13", {"api"})};
  ServiceRecord api = Service("default", "api", "10.96.0.7");
  ServiceRecord stateful = Service("default", "peers", "");
  stateful.endpoints = {Ready("10.244.0.20", "p-0"), Ready("10.244.0.21", "p-1"),
                        Ready("10.244.0.22", "p-2", false)};
  stateful.ports = {Port("db", "tcp", 80), Port("repl", "tcp", 81)};
  api.ports = {Port("http", "tcp", 80), Port("dns", "udp", 53), Port("", "tcp", 99)};
  ServiceRecord plain = Service("default", "plain", "");
  plain.endpoints = {Ready("10.244.0.30"), Ready("fd00::30")};
  for (Endpoint& e : plain.endpoints) e.ports.clear();
  ServiceRecord none = Service("default", "none", "");
  ServiceRecord outside = Service("default", "outside", "");
  outside.type = "ExternalName";
  outside.external_name = "db.example.com";
  ServiceRecord dual = Service("default", "dual", "10.96.0.8");
  dual.cluster_ips.push_back(*Address::Parse("fd00::8"));
  ServiceRecord near = Service("default", "near", "");
  near.type = "ExternalName";
  near.external_name = "further.default.svc.cluster.local";
  ServiceRecord further = Service("default", "further", "");
  further.type = "ExternalName";
  further.external_name = "api.default.svc.cluster.local";
  ServiceRecord loop = Service("default", "loop", "");
  loop.type = "ExternalName";
  loop.external_name = "loop.default.svc.cluster.local";
  z.services = {api, stateful, plain, none, outside, dual, near, further, loop};
  return z;
}

}  // namespace kpod::network
