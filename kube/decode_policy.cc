// LimitRange and ResourceQuota, with the defaults of Kubernetes' pkg/apis/core/v1/defaults.go.
#include "kube/decode.h"
#include "kube/decode_parts.h"

namespace kpod::kube {

namespace {

LimitRangeItem DecodeLimits(const Json& j) {
  LimitRangeItem out{StringAt(j, "type"),
                     DecodeResourceList(At(j, "max")),
                     DecodeResourceList(At(j, "min")),
                     DecodeResourceList(At(j, "default")),
                     DecodeResourceList(At(j, "defaultRequest")),
                     DecodeResourceList(At(j, "maxLimitRequestRatio"))};
  if (out.type != "Container") return out;
  // What is not said follows from what is: the greatest limit, then that, then the least request.
  out.default_limit.insert(out.max.begin(), out.max.end());
  out.default_request.insert(out.default_limit.begin(), out.default_limit.end());
  out.default_request.insert(out.min.begin(), out.min.end());
  return out;
}

ScopeRequirement DecodeScope(const Json& j) {
  return {StringAt(j, "scopeName"), StringAt(j, "operator"), StringsAt(j, "values")};
}

}  // namespace

LimitRange DecodeLimitRange(const Json& object) {
  return {DecodeMeta(object), Each(At(At(object, "spec"), "limits"), DecodeLimits)};
}

ResourceQuota DecodeResourceQuota(const Json& object) {
  const Json& spec = At(object, "spec");
  ResourceQuota out{DecodeMeta(object), DecodeResourceList(At(spec, "hard")),
                    Each(At(At(spec, "scopeSelector"), "matchExpressions"), DecodeScope)};
  for (const std::string& scope : StringsAt(spec, "scopes")) {
    out.scopes.push_back({scope, "Exists", {}});
  }
  return out;
}

}  // namespace kpod::kube
