// Kubernetes' syntax of names, keys, paths and addresses. Each checker gives the sentence that
// Kubernetes gives, or "" when the text is right. Source: k8s.io/apimachinery/pkg/util/validation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kpod::kube::rules {

std::string IsDns1123Label(std::string_view s);
std::string IsDns1123Subdomain(std::string_view s);
std::string IsWildcardDns1123Subdomain(std::string_view s);
std::string IsDns1035Label(std::string_view s);
std::string IsQualifiedName(std::string_view s);
std::string IsLabelValue(std::string_view s);
std::string IsPathSegmentName(std::string_view s);  // RBAC names: "system:node"
std::string IsPortName(std::string_view s);         // IANA_SVC_NAME
std::string IsEnvVarName(std::string_view s);       // relaxed, as from 1.34 on
std::string IsConfigMapKey(std::string_view s);
std::string IsHttpHeaderName(std::string_view s);
std::string IsPercent(std::string_view s);
std::string IsCronSchedule(std::string_view s);  // kube/rules_cron.cc
std::string IsSysctlName(std::string_view s);
std::string IsIp(std::string_view s);
std::string IsCidr(std::string_view s);
std::string IsRelativePath(std::string_view s);            // no "..", not absolute
std::string IsRelativeUnreservedPath(std::string_view s);  // the same, and not starting with ".."
std::string HasNoBacksteps(std::string_view s);
std::string IsSearchDomain(std::string_view s);  // of resolv.conf: a final dot, underscores

// The address in network order, 4 or 16 bytes; empty when it is none.
std::string ParseIp(std::string_view s);
// Whether the CIDR `inner` lies strictly within `outer`. Both must be right.
bool IsStrictlyWithin(std::string_view inner, std::string_view outer);

}  // namespace kpod::kube::rules
