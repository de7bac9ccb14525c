// Endpoints and EndpointSlices. Source: pkg/apis/core/validation, pkg/apis/discovery/validation.
#include <algorithm>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxPort = 65535;
constexpr size_t kMaxSliceEndpoints = 1000;
constexpr size_t kMaxSlicePorts = 20000;
constexpr size_t kMaxSliceAddresses = 100;
constexpr size_t kV4 = 4;

bool StartsWith(const std::string& bytes, unsigned char first, unsigned char mask,
                unsigned char second) {
  return static_cast<unsigned char>(bytes[0]) == first &&
         (static_cast<unsigned char>(bytes[1]) & mask) == second;
}

void CheckTargetPod(const Field& endpoint) {
  CheckText(endpoint["hostname"], IsDns1123Label);
  CheckText(endpoint["nodeName"], IsDns1123Subdomain);
}

void CheckEndpointAddress(const Field& address) {
  Field ip = address["ip"];
  if (ip.Text().empty()) {
    ip.Required();
  } else {
    CheckText(ip, IsIp);
    CheckNonSpecialIp(ip);
  }
  CheckTargetPod(address);
}

void CheckEndpointPort(const Field& port, bool needs_name) {
  Field name = port["name"];
  if (name.Text().empty()) {
    if (needs_name) name.Required();
  } else {
    CheckText(name, IsDns1123Label);
  }
  if (port["port"].present()) {
    CheckInt(port["port"], 1, kMaxPort);
  } else {
    port["port"].Required();
  }
  CheckEnum(port["protocol"], "SCTP|TCP|UDP");
  CheckText(port["appProtocol"], IsQualifiedName);
}

void CheckSliceAddress(const Field& address, std::string_view type) {
  if (type == "FQDN") {
    if (std::string why = IsDns1123Subdomain(address.Text()); !why.empty()) address.Invalid(why);
    return;
  }
  std::string bytes = ParseIp(address.Text());
  if (bytes.empty()) {
    address.Invalid(IsIp(address.Text()));
  } else if ((bytes.size() == kV4) != (type == "IPv4")) {
    address.Invalid(type == "IPv4" ? "must be an IPv4 address" : "must be an IPv6 address");
  }
  CheckNonSpecialIp(address);
}

void CheckSliceEndpoint(const Field& endpoint, std::string_view type) {
  Field addresses = endpoint["addresses"];
  if (addresses.empty()) addresses.Required("must contain at least 1 address");
  if (addresses.size() > kMaxSliceAddresses) addresses.TooMany(kMaxSliceAddresses);
  for (const Field& address : addresses.Items()) CheckSliceAddress(address, type);
  CheckTargetPod(endpoint);
}

}  // namespace

void CheckNonSpecialIp(const Field& ip) {
  std::string bytes = ParseIp(ip.Text());
  if (bytes.empty()) return;
  bool v4 = bytes.size() == kV4;
  std::string rest = bytes.substr(0, bytes.size() - 1);
  bool zeros = std::all_of(rest.begin(), rest.end(), [](char c) { return c == 0; });
  if (zeros && bytes.back() == 0)
    ip.Invalid(StrCat("may not be unspecified (", v4 ? "0.0.0.0" : "::", ")"));
  if (v4 ? bytes[0] == 127 : zeros && bytes.back() == 1)
    ip.Invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (v4 ? StartsWith(bytes, 169, 0xff, 254) : StartsWith(bytes, 0xfe, 0xc0, 0x80))
    ip.Invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  bool multicast =
      v4 ? StartsWith(bytes, 224, 0xff, 0) && bytes[2] == 0 : StartsWith(bytes, 0xff, 0x0f, 0x02);
  if (multicast)
    ip.Invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

void CheckEndpoints(const Field& root) {
  for (const Field& subset : root["subsets"].Items()) {
    if (subset["addresses"].empty() && subset["notReadyAddresses"].empty())
      subset.Required("must specify `addresses` or `notReadyAddresses`");
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      for (const Field& address : subset[list].Items()) CheckEndpointAddress(address);
    }
    for (const Field& port : subset["ports"].Items())
      CheckEndpointPort(port, subset["ports"].size() > 1);
  }
}

void CheckEndpointSlice(const Field& root) {
  Field type = root["addressType"];
  if (type.Text().empty()) {
    type.Required();
  } else {
    CheckEnum(type, "FQDN|IPv4|IPv6");
  }
  Field endpoints = root["endpoints"];
  if (endpoints.size() > kMaxSliceEndpoints) endpoints.TooMany(kMaxSliceEndpoints);
  for (const Field& endpoint : endpoints.Items()) CheckSliceEndpoint(endpoint, type.Text());
  Field ports = root["ports"];
  if (ports.size() > kMaxSlicePorts) ports.TooMany(kMaxSlicePorts);
  std::vector<std::string> names;
  for (const Field& port : ports.Items()) {
    CheckText(port["name"], IsDns1123Label);
    std::string name(port["name"].Text());
    if (std::find(names.begin(), names.end(), name) != names.end()) port["name"].Duplicate();
    names.push_back(std::move(name));
    if (port["port"].present()) CheckInt(port["port"], 1, kMaxPort);
    CheckEnum(port["protocol"], "SCTP|TCP|UDP");
    CheckText(port["appProtocol"], IsQualifiedName);
  }
}

}  // namespace kpod::kube::rules
