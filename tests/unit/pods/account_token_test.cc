#include "pods/account_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace kpod::pods {
namespace {

TEST(TokenClaims, AsKubernetesWritesThem) {
  TokenRequest r;
  r.ns = "shop";
  r.pod = "web";
  r.pod_uid = "u-1";
  r.account = "robot";
  r.node = "node-1";
  r.issued = 1000;
  r.expires = 4600;
  Json claims = Json::parse(TokenClaims(r, "id-1"));
  std::string account = claims["kubernetes.io"]["serviceaccount"]["uid"];
  std::string node = claims["kubernetes.io"]["node"]["uid"];
  EXPECT_EQ(account.size(), 36U);
  EXPECT_NE(account, node);
  EXPECT_EQ(claims, Json::parse(R"J({"aud":["https://kubernetes.default.svc.cluster.local"],
      "exp":4600,"iat":1000,"iss":"https://kubernetes.default.svc.cluster.local","jti":"id-1",
      "kubernetes.io":{"namespace":"shop","node":{"name":"node-1","uid":")J" +
                                node + R"J("},"pod":{"name":"web","uid":"u-1"},
      "serviceaccount":{"name":"robot","uid":")J" +
                                account + R"J("}},"nbf":1000,
      "sub":"system:serviceaccount:shop:robot"})J"));
  r.audience = "vault";
  r.account_uid = "u-2";
  claims = Json::parse(TokenClaims(r, "id-2"));
  EXPECT_EQ(claims["aud"], Json::array({"vault"}));
  EXPECT_EQ(claims["kubernetes.io"]["serviceaccount"]["uid"], "u-2");
}

TEST(TokenRefreshTime, AfterFourFifthsOfItsLifeOrADay) {
  EXPECT_EQ(TokenRefreshTime(1000, 1600), 1480);
  EXPECT_EQ(TokenRefreshTime(0, 3600), 2880);
  EXPECT_EQ(TokenRefreshTime(0, 365LL * 24 * 3600), 24 * 3600);
}

TEST(MakeToken, OneKeyForAllAndItsPublicHalfBesideIt) {
  char name[] = "/tmp/kpod-token-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  store::Paths paths;
  paths.root = name;
  TokenRequest r;
  r.ns = "shop";
  r.account = "robot";
  Result<std::string> first = MakeToken(paths, r);
  ASSERT_TRUE(first.ok()) << first.error().message();
  Result<std::string> second = MakeToken(paths, r);
  ASSERT_TRUE(second.ok());
  std::vector<std::string> parts = Split(*first, '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0], Split(*second, '.')[0]);  // the same key
  EXPECT_NE(parts[1], Split(*second, '.')[1]);  // a token of its own
  EXPECT_EQ(parts[2].size(), 86U);              // 64 bytes
  std::string folder = paths.root + "/service-account";
  struct stat st;
  ASSERT_EQ(::stat((folder + "/signer.pem").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
  auto names = ListDir(folder);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{"jwks.json", "signer.pem"}));

  ASSERT_TRUE(WriteFile(folder + "/signer.pem", "rubbish").ok());
  EXPECT_FALSE(MakeToken(paths, r).ok());
  EXPECT_TRUE(RemoveAll(name).ok());
}

}  // namespace
}  // namespace kpod::pods
