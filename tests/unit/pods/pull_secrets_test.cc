#include "pods/pull_secrets.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace kpod::pods {
namespace {

kube::Secret Config(const std::string& auths) {
  kube::Secret s;
  s.type = "kubernetes.io/dockerconfigjson";
  s.data[".dockerconfigjson"] = R"({"auths":)" + auths + "}";
  return s;
}

std::string Found(const std::string& image, const std::vector<kube::Secret>& secrets) {
  auto reference = images::ParseReference(image);
  EXPECT_TRUE(reference.ok()) << image;
  std::vector<std::string> out;
  for (const Json& login : LoginsFor(*reference, secrets)) {
    EXPECT_FALSE(login.contains("password"));
    out.push_back(Base64Decode(StringAt(login, "auth")).value_or("?") +
                  StringAt(login, "identitytoken"));
  }
  return Join(out, " ");
}

std::string Auth(const std::string& text) { return R"({"auth":")" + Base64Encode(text) + R"("})"; }

TEST(LoginsFor, KeysMatchAsTheKubeletMatchesThem) {
  struct Case {
    const char *key, *image;
    bool want;
  };
  for (const Case& c :
       {Case{"registry.example.com", "registry.example.com/a/b:1", true},
        Case{"https://registry.example.com", "registry.example.com/a", true},
        Case{"https://registry.example.com/v2/", "registry.example.com/a", true},
        Case{"registry.example.com/team", "registry.example.com/team/app", true},
        Case{"registry.example.com/team", "registry.example.com/other/app", false},
        Case{"registry.example.com:5000", "registry.example.com:5000/a", true},
        Case{"registry.example.com", "registry.example.com:5000/a", false},
        Case{"*.example.com", "registry.example.com/a", true},
        Case{"*.example.com", "example.com/a", false},
        Case{"*.example.com", "a.b.example.com/a", false},
        Case{"reg*.example.com", "registry.example.com/a", true},
        Case{"example.com", "registry.example.com/a", false}, Case{"docker.io", "nginx", true},
        Case{"https://index.docker.io/v1/", "nginx", true},
        Case{"https://index.docker.io/v1/", "quay.io/nginx", false},
        Case{"docker.io/library", "nginx", true}, Case{"docker.io/me", "nginx", false}}) {
    std::string found = Found(c.image, {Config(StrCat("{\"", c.key, "\":", Auth("u:p"), "}"))});
    EXPECT_EQ(found, c.want ? "u:p" : "") << c.key << " " << c.image;
  }
}

TEST(LoginsFor, TheLongestKeyFirstThenTheEarlierSecret) {
  kube::Secret old;
  old.type = "kubernetes.io/dockercfg";
  old.data[".dockercfg"] = R"({"r.io":{"username":"old","password":"p:w","email":"x"}})";
  kube::Secret opaque = Config(R"({"r.io":{"auth":"eDp5"}})");
  opaque.type = "Opaque";
  kube::Secret broken;
  broken.type = "kubernetes.io/dockerconfigjson";
  broken.data[".dockerconfigjson"] = "{";
  EXPECT_EQ(Found("r.io/team/app",
                  {broken, opaque, old,
                   Config(StrCat(R"({"r.io":)", Auth("all:1"), R"(,"r.io/team":)", Auth("team:1"),
                                 R"(,"r.io/other":)", Auth("no:1"), "}")),
                   Config(R"({"r.io":{},"r.io/team/app":{"identitytoken":"tok"}})")}),
            "tok team:1 old:p:w all:1");
  EXPECT_EQ(Found("r.io/app", {}), "");
}

}  // namespace
}  // namespace kpod::pods
