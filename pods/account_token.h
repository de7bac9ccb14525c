// Service account tokens: what a projected serviceAccountToken and an API server's TokenRequest
// give in a cluster. There is no API server here, so nobody else issues or takes them; they are
// honest all the same: a JWT signed (ES256) with a key that this root made for itself, whose public
// half lies beside it as a JSON Web Key Set. Whoever is told of that set (an application's own
// check, Vault) can tell a token of this machine from any other.
//   <root>/service-account/signer.pem  0600
//   <root>/service-account/jwks.json   0644
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/paths.h"

namespace kpod::pods {

constexpr const char* kTokenIssuer = "https://kubernetes.default.svc.cluster.local";

struct TokenRequest {
  std::string ns, pod, pod_uid, account, node;
  std::string account_uid;          // "": one that follows from the names
  std::string audience;             // "": the issuer's
  int64_t issued = 0, expires = 0;  // seconds since 1970
};

// The claims as Kubernetes writes them: aud exp iat iss jti nbf sub and "kubernetes.io". Pure but
// for `id`, the token's own (jti).
std::string TokenClaims(const TokenRequest& request, const std::string& id);

// Makes the key at the first call.
Result<std::string> MakeToken(const store::Paths& paths, const TokenRequest& request);

// When a token is to be made anew, as the kubelet does it: after 80 % of its life, and after a day.
int64_t TokenRefreshTime(int64_t issued, int64_t expires);

}  // namespace kpod::pods
