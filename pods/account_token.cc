#include "pods/account_token.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace kpod::pods {

namespace {

constexpr size_t kCoordinate = 32;  // bytes of one of P-256

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

std::string Base64Url(std::string_view bytes) {
  std::string out = Base64Encode(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  out.erase(std::min(out.find('='), out.size()));
  return out;
}

std::string Sha256(std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), out, &size, ::EVP_sha256(), nullptr) != 1) return "";
  return {reinterpret_cast<char*>(out), size};
}

std::string FixedBytes(const BIGNUM* n) {
  std::string out(kCoordinate, '\0');
  (void)::BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), kCoordinate);
  return out;
}

Result<std::string> Coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* n = nullptr;
  if (::EVP_PKEY_get_bn_param(key, name, &n) != 1) return Error("no point of a curve");
  return FixedBytes(Number(n).get());
}

// The thumbprint of RFC 7638, by which a verifier finds the key in the set.
struct PublicKey {
  std::string x, y, id;
};
Result<PublicKey> PublicPart(EVP_PKEY* key) {
  PublicKey p;
  p.x = Base64Url(TRY(Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X)));
  p.y = Base64Url(TRY(Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y)));
  p.id = Base64Url(
      Sha256(StrCat(R"({"crv":"P-256","kty":"EC","x":")", p.x, R"(","y":")", p.y, R"("})")));
  return p;
}

Result<Key> KeyFromPem(const std::string& pem) {
  Bio in(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(in ? ::PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key || ::EVP_PKEY_is_a(key.get(), "EC") != 1) return Error("it holds no key");
  return key;
}

Result<std::string> NewPem() {
  Key key(::EVP_EC_gen("P-256"));
  Bio out(::BIO_new(::BIO_s_mem()));
  if (!key || !out ||
      ::PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Error("no key can be made");
  }
  char* text = nullptr;
  long size = ::BIO_get_mem_data(out.get(), &text);  // NOLINT(google-runtime-int)
  return std::string(text, static_cast<size_t>(size));
}

// Of two that make it at once one wins; both use its file.
Result<Key> SigningKey(const std::string& folder) {
  std::string path = folder + "/signer.pem";
  Result<std::string> pem = ReadFile(path, 1 << 16);
  if (!pem && pem.error().code() == ENOENT) {
    TRY(MakeDirs(folder, 0700));
    Status made = WriteFileOnce(path, TRY(NewPem()));
    if (!made && made.error().code() != EEXIST) return std::move(made.error());
    pem = ReadFile(path, 1 << 16);
  }
  if (!pem) return std::move(pem.error());
  return KeyFromPem(*pem).Context(path);
}

Status Publish(const std::string& folder, const PublicKey& key) {
  std::string path = folder + "/jwks.json";
  if (Exists(path)) return OkStatus();
  Json set = {{"keys", Json::array({Json{{"kty", "EC"},
                                         {"crv", "P-256"},
                                         {"use", "sig"},
                                         {"alg", "ES256"},
                                         {"kid", key.id},
                                         {"x", key.x},
                                         {"y", key.y}}})}};
  return WriteFileAtomic(path, Dump(set, 1) + "\n", 0644);
}

// JWS wants the two numbers side by side (RFC 7518, 3.4), OpenSSL gives them in DER.
Result<std::string> Sign(EVP_PKEY* key, const std::string& text) {
  Digest context(::EVP_MD_CTX_new());
  std::string der(256, '\0');
  size_t size = der.size();
  if (!context || ::EVP_DigestSignInit(context.get(), nullptr, ::EVP_sha256(), nullptr, key) != 1 ||
      ::EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1) {
    return Error("no signature can be made");
  }
  const auto* p = reinterpret_cast<const unsigned char*>(der.data());
  Signature s(::d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(size)));  // NOLINT(google-runtime-int)
  if (!s) return Error("no signature can be made");
  return FixedBytes(::ECDSA_SIG_get0_r(s.get())) + FixedBytes(::ECDSA_SIG_get0_s(s.get()));
}

// A UUID (RFC 9562, version 8) that follows from a text.
std::string UuidOf(std::string_view text) {
  std::string hex = Hex(Sha256(text).substr(0, 16));
  hex.resize(32, '0');
  hex[12] = '8';
  hex[16] = "89ab"[hex[16] & 3];
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

}  // namespace

std::string TokenClaims(const TokenRequest& r, const std::string& id) {
  std::string uid =
      r.account_uid.empty() ? UuidOf(StrCat("account ", r.ns, "/", r.account)) : r.account_uid;
  Json claims = {
      {"aud", Json::array({r.audience.empty() ? std::string(kTokenIssuer) : r.audience})},
      {"exp", r.expires},
      {"iat", r.issued},
      {"iss", kTokenIssuer},
      {"jti", id},
      {"kubernetes.io",
       {{"namespace", r.ns},
        {"node", {{"name", r.node}, {"uid", UuidOf("node " + r.node)}}},
        {"pod", {{"name", r.pod}, {"uid", r.pod_uid}}},
        {"serviceaccount", {{"name", r.account}, {"uid", uid}}}}},
      {"nbf", r.issued},
      {"sub", StrCat("system:serviceaccount:", r.ns, ":", r.account)}};
  return Dump(claims);
}

Result<std::string> MakeToken(const store::Paths& paths, const TokenRequest& request) {
  std::string folder = paths.root + "/service-account";
  Key key = TRY(SigningKey(folder));
  PublicKey open = TRY(PublicPart(key.get()));
  TRY(Publish(folder, open));
  std::string id(Trim(TRY(ReadFile("/proc/sys/kernel/random/uuid"))));
  std::string head = Dump(Json{{"alg", "ES256"}, {"kid", open.id}, {"typ", "JWT"}});
  std::string text = StrCat(Base64Url(head), ".", Base64Url(TokenClaims(request, id)));
  return StrCat(text, ".", Base64Url(TRY(Sign(key.get(), text))));
}

int64_t TokenRefreshTime(int64_t issued, int64_t expires) {
  constexpr int64_t kDay = 24 * 3600;
  return issued + std::min((expires - issued) / 5 * 4, kDay);
}

}  // namespace kpod::pods
