// Services, Endpoints and EndpointSlices. Source of the defaults: SetDefaults_Service and
// SetDefaults_Endpoints of pkg/apis/core/v1/defaults.go, pkg/apis/discovery/v1/defaults.go.
#include "kube/decode.h"
#include "kube/decode_parts.h"

namespace kpod::kube {
namespace {

std::string TextOr(const Json& j, std::string_view key, std::string_view otherwise) {
  std::string text = StringAt(j, key);
  return text.empty() ? std::string(otherwise) : text;
}

ServicePort DecodeServicePort(const Json& j) {
  ServicePort out;
  out.name = StringAt(j, "name");
  out.protocol = TextOr(j, "protocol", out.protocol);
  out.app_protocol = StringAt(j, "appProtocol");
  out.port = SmallInt(IntAt(j, "port"));
  out.node_port = SmallInt(IntAt(j, "nodePort"));
  out.target = {SmallInt(IntAt(j, "targetPort")), StringAt(j, "targetPort")};
  if (out.target.number == 0 && out.target.name.empty()) out.target.number = out.port;
  return out;
}

EndpointPort DecodeEndpointPort(const Json& j) {
  EndpointPort out;
  out.name = StringAt(j, "name");
  out.protocol = TextOr(j, "protocol", out.protocol);
  out.app_protocol = StringAt(j, "appProtocol");
  if (auto port = OptionalInt(j, "port")) out.port = SmallInt(*port);
  return out;
}

std::string TargetPod(const Json& endpoint) {
  const Json& target = At(endpoint, "targetRef");
  return StringAt(target, "kind") == "Pod" ? StringAt(target, "name") : std::string();
}

EndpointAddress DecodeEndpointAddress(const Json& j) {
  return {StringAt(j, "ip"), StringAt(j, "hostname"), StringAt(j, "nodeName"), TargetPod(j)};
}

EndpointSubset DecodeSubset(const Json& j) {
  return {Each(At(j, "addresses"), DecodeEndpointAddress),
          Each(At(j, "notReadyAddresses"), DecodeEndpointAddress),
          Each(At(j, "ports"), DecodeEndpointPort)};
}

// What is not said of an endpoint's condition is read as ready.
SliceEndpoint DecodeSliceEndpoint(const Json& j) {
  const Json& conditions = At(j, "conditions");
  SliceEndpoint out;
  out.addresses = StringsAt(j, "addresses");
  out.ready = BoolAt(conditions, "ready", true);
  out.serving = BoolAt(conditions, "serving", out.ready);
  out.terminating = BoolAt(conditions, "terminating");
  out.hostname = StringAt(j, "hostname");
  out.node_name = StringAt(j, "nodeName");
  out.target = TargetPod(j);
  return out;
}

}  // namespace

Service DecodeService(const Json& object) {
  const Json& spec = At(object, "spec");
  Service out;
  out.metadata = NamespacedMeta(object);
  out.type = TextOr(spec, "type", out.type);
  out.ports = Each(At(spec, "ports"), DecodeServicePort);
  if (!out.IsExternalName()) out.selector = MapAt(spec, "selector");
  out.cluster_ips = StringsAt(spec, "clusterIPs");
  // clusterIP is the first of clusterIPs, and each is filled from the other.
  if (std::string ip = StringAt(spec, "clusterIP"); !ip.empty() && out.cluster_ips.empty())
    out.cluster_ips.push_back(ip);
  out.external_ips = StringsAt(spec, "externalIPs");
  out.external_name = StringAt(spec, "externalName");
  out.load_balancer_ip = StringAt(spec, "loadBalancerIP");
  out.load_balancer_class = StringAt(spec, "loadBalancerClass");
  out.load_balancer_source_ranges = StringsAt(spec, "loadBalancerSourceRanges");
  out.allocate_node_ports = BoolAt(spec, "allocateLoadBalancerNodePorts", true);
  out.ip_families = StringsAt(spec, "ipFamilies");
  out.ip_family_policy = StringAt(spec, "ipFamilyPolicy");
  out.session_affinity = TextOr(spec, "sessionAffinity", out.session_affinity);
  const Json& client_ip = At(At(spec, "sessionAffinityConfig"), "clientIP");
  out.affinity_seconds = SmallInt(IntAt(client_ip, "timeoutSeconds", out.affinity_seconds));
  out.internal_traffic_policy = TextOr(spec, "internalTrafficPolicy", out.internal_traffic_policy);
  out.external_traffic_policy = TextOr(spec, "externalTrafficPolicy", out.external_traffic_policy);
  out.publish_not_ready_addresses = BoolAt(spec, "publishNotReadyAddresses");
  return out;
}

Endpoints DecodeEndpoints(const Json& object) {
  return {NamespacedMeta(object), Each(At(object, "subsets"), DecodeSubset)};
}

EndpointSlice DecodeEndpointSlice(const Json& object) {
  EndpointSlice out;
  out.metadata = NamespacedMeta(object);
  if (auto it = out.metadata.labels.find("kubernetes.io/service-name");
      it != out.metadata.labels.end())
    out.service_name = it->second;
  out.address_type = StringAt(object, "addressType");
  out.endpoints = Each(At(object, "endpoints"), DecodeSliceEndpoint);
  out.ports = Each(At(object, "ports"), DecodeEndpointPort);
  return out;
}

}  // namespace kpod::kube
