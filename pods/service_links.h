// What a container is told of Services by its environment. Source: pkg/kubelet/envvars, and
// Kubernetes, Service, "Discovering services".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kube/types_network.h"
#include "network/service.h"
#include "pods/plan.h"

namespace kpod::pods {

// Those that have an address, in the order of their names.
std::vector<ServiceLink> LinksOf(const std::vector<kube::Service>& services,
                                 const std::vector<network::Allocation>& allocations);

// WEB_SERVICE_HOST, WEB_SERVICE_PORT, WEB_SERVICE_PORT_<name> and the variables of docker's links:
// WEB_PORT, WEB_PORT_80_TCP, _PROTO, _PORT, _ADDR. There are none of KUBERNETES_SERVICE_HOST: there
// is no API server, and programs take it for the sign that there is one.
std::vector<std::pair<std::string, std::string>> VariablesOf(const std::vector<ServiceLink>& links);

// Adds to `env` (NAME=value) those that it does not have.
void AddServiceVariables(const std::vector<ServiceLink>& links, std::vector<std::string>* env);

}  // namespace kpod::pods
