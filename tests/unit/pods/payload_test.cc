#include "pods/payload.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "tests/unit/pods/fixture.h"

namespace kpod::pods {
namespace {

class Payload : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/kpod-payload-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { EXPECT_TRUE(RemoveAll(dir_).ok()); }

  static mode_t ModeOf(const std::string& path) {
    struct stat st;
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  static std::string Link(const std::string& path) {
    char buf[4096];
    ssize_t n = ::readlink(path.c_str(), buf, sizeof(buf));
    return {buf, n > 0 ? static_cast<size_t>(n) : 0};
  }
  static std::string Text(const std::string& path) { return ReadFile(path).value_or("?"); }

  std::string dir_;
};

TEST(PayloadFor, KeysItemsAndModes) {
  kube::KeyedVolume v;
  v.default_mode = 0400;
  const kube::StringMap data = {{"a", "1"}, {"b", "2"}};
  auto all = PayloadFor(v, data, false);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].path, "a");
  EXPECT_EQ((*all)[0].mode, 0400);
  v.items = {{"b", "x/y", 0755}};
  auto some = PayloadFor(v, data, false);
  ASSERT_TRUE(some.ok());
  ASSERT_EQ(some->size(), 1U);
  EXPECT_EQ((*some)[0].path, "x/y");
  EXPECT_EQ((*some)[0].mode, 0755);
  v.items = {{"no", "x", std::nullopt}};
  EXPECT_EQ(PayloadFor(v, data, false).error().message(),
            "configmap references non-existent config key: no");
  EXPECT_EQ(PayloadFor(v, data, true).error().message(), "references non-existent secret key: no");
  v.optional = true;
  EXPECT_TRUE(PayloadFor(v, data, true).ok());
}

TEST(PayloadFor, PathsStayInside) {
  for (const char* path :
       {"/etc/passwd", "..", "../x", "a/../../x", "..data", "..data/x", ".", ""}) {
    kube::KeyedVolume v;
    v.items = {{"a", path, std::nullopt}};
    EXPECT_FALSE(PayloadFor(v, {{"a", "1"}}, false).ok()) << path;
  }
}

TEST_F(Payload, PayloadIsSwappedInOneStep) {
  std::string v = dir_ + "/v";
  ASSERT_TRUE(
      WritePayload(v, {{"a", "one", 0644, {}}, {"d/e", "two", 0600, {}}}, std::nullopt).ok());
  EXPECT_EQ(Text(v + "/a"), "one");
  EXPECT_EQ(Text(v + "/d/e"), "two");
  EXPECT_EQ(Link(v + "/a"), "..data/a");
  EXPECT_EQ(Link(v + "/d"), "..data/d");
  EXPECT_EQ(ModeOf(v + "/d/e"), 0600U);
  std::string first = Link(v + "/..data");
  EXPECT_EQ(first.substr(0, 2), "..");

  // The same again: not touched.
  ASSERT_TRUE(
      WritePayload(v, {{"a", "one", 0644, {}}, {"d/e", "two", 0600, {}}}, std::nullopt).ok());
  EXPECT_EQ(Link(v + "/..data"), first);

  // A reader that holds the old directory keeps seeing all of the old until it looks anew.
  Fd old(::open((v + "/..data").c_str(), O_PATH | O_DIRECTORY));
  ASSERT_TRUE(WritePayload(v, {{"a", "uno", 0644, {}}, {"b", "new", 0644, {}}}, std::nullopt).ok());
  EXPECT_EQ(Text(v + "/a"), "uno");
  EXPECT_EQ(Text(v + "/b"), "new");
  EXPECT_FALSE(Exists(v + "/d"));
  EXPECT_NE(Link(v + "/..data"), first);
  EXPECT_FALSE(Exists(v + "/" + first));  // no old set stays
  auto names = ListDir(v);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(names->size(), 4U);  // ..data, ..<time>, a, b
}

TEST_F(Payload, WhatIsNoLongerNamedGoesAlsoBelowADirectoryThatStays) {
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {{"d/a", "1", 0644, {}}, {"d/b", "2", 0644, {}}}, {}).ok());
  ASSERT_TRUE(MakeDir(v + "/..left-by-a-kill").ok());
  ASSERT_TRUE(WritePayload(v, {{"d/a", "1", 0644, {}}}, {}).ok());
  EXPECT_EQ(*ListDir(v + "/d/."), (std::vector<std::string>{"a"}));
  EXPECT_EQ(ListDir(v)->size(), 3U);  // ..data, ..<time>, d
}

TEST_F(Payload, AnEmptyPayloadIsAnEmptyDirectory) {
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {}, std::nullopt).ok());
  ASSERT_TRUE(WritePayload(v, {{"a", "1", 0644, {}}}, std::nullopt).ok());
  ASSERT_TRUE(WritePayload(v, {}, std::nullopt).ok());
  EXPECT_FALSE(Exists(v + "/a"));
}

TEST_F(Payload, WhatAWriterLeftThatWasKilledGoesWithTheNext) {
  std::string v = dir_ + "/config";
  std::vector<PayloadFile> files = {{"key", "one", 0644, std::nullopt}};
  ASSERT_TRUE(WritePayload(v, files, std::nullopt).ok());
  std::string current = Link(v + "/..data");
  auto leave = [&] {
    ASSERT_TRUE(MakeDirs(v + "/..2026-01-01T00_00_00.000000000Z").ok());
    ASSERT_EQ(::symlink("..gone", (v + "/..data_tmp").c_str()), 0);
  };
  leave();
  ASSERT_TRUE(WritePayload(v, files, std::nullopt).ok());  // nothing new
  EXPECT_EQ(ListDir(v).value_or({}), (std::vector<std::string>{current, "..data", "key"}));
  leave();
  files[0].content = "two";
  ASSERT_TRUE(WritePayload(v, files, std::nullopt).ok());
  EXPECT_EQ(ListDir(v).value_or({}),
            (std::vector<std::string>{Link(v + "/..data"), "..data", "key"}));
  EXPECT_EQ(Text(v + "/key"), "two");
}

TEST_F(Payload, PayloadOfAGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::string v = dir_ + "/v";
  ASSERT_TRUE(WritePayload(v, {{"d/a", "1", 0400, {}}}, 1234).ok());
  struct stat st;
  ASSERT_EQ(::stat((v + "/d/a").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 1234U);
  EXPECT_EQ(st.st_mode & 07777, 0440U);
  ASSERT_EQ(::stat((v + "/d").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 1234U);
  EXPECT_EQ(st.st_mode & 07777, 02755U);
}

// A projected volume as it is planned and filled.
std::string Filled(FakeMachine& m, const std::string& sources, const std::string& spec = "") {
  Plan plan =
      m.Make("{}", R"J({"volumes":[{"name":"v","projected":{"defaultMode":288,"sources":)J" +
                       sources + "}}]" + spec + "}");
  if (!plan.blocked.message.empty()) return "blocked: " + plan.blocked.message;
  EXPECT_TRUE(IsSecretPayload(plan.volumes.at(0)));
  auto token = [](const TokenPlan& t) -> Result<std::string> {
    return StrCat("<", t.account, " ", t.audience, " ", t.expiration_seconds, " ",
                  t.owner ? StrCat(*t.owner) : "", ">");
  };
  auto files = PayloadOf(m.lookups(), plan.volumes.at(0), token);
  if (!files) return "error: " + files.error().message();
  if (!*files) return "missing";
  std::string out;
  for (const PayloadFile& f : **files) {
    char mode[8];
    std::snprintf(mode, sizeof(mode), "%o", static_cast<unsigned>(f.mode));
    out += StrCat(f.path, " ", mode, " ", f.content, "\n");
  }
  return out;
}

TEST(PayloadOf, ProjectedSourcesTogether) {
  FakeMachine m;
  m.config_maps["map"] = {{"a", "1"}, {"b", "2"}};
  m.secrets["keys"] = {{"b", "two"}, {"k", "s"}};
  struct Case {
    const char *sources, *spec, *want;
  };
  for (
      const Case& c :
      {Case{"[]", "", ""},
       Case{R"J([{"configMap":{"name":"map"}},{"secret":{"name":"keys"}}])J", "",
            "a 440 1\nb 440 two\nk 440 s\n"},  // the later source wins
       Case{R"J([{"secret":{"name":"keys","items":[{"key":"k","path":"d/k","mode":256}]}}])J", "",
            "d/k 400 s\n"},
       Case{
           R"J([{"downwardAPI":{"items":[{"path":"ns","fieldRef":{"fieldPath":"metadata.namespace"}},
             {"path":"cpu","mode":292,"resourceFieldRef":{"containerName":"main","resource":"limits.cpu","divisor":"1m"}}]}}])J",
           "", "cpu 444 2500\nns 440 shop\n"},
       Case{R"J([{"serviceAccountToken":{"path":"token"}}])J", "", "token 440 <default  3600 >\n"},
       Case{
           R"J([{"serviceAccountToken":{"path":"t","audience":"vault","expirationSeconds":600}}])J",
           R"J(,"serviceAccountName":"robot","securityContext":{"runAsUser":7})J",
           "t 600 <robot vault 600 7>\n"},
       Case{R"J([{"serviceAccountToken":{"path":"t"}}])J", R"J(,"securityContext":{"fsGroup":7})J",
            "t 600 <default  3600 >\n"},
       Case{R"J([{"configMap":{"name":"no"}}])J", "", "blocked: configmap \"no\" not found"},
       Case{R"J([{"secret":{"name":"no"}}])J", "", "blocked: secret \"no\" not found"},
       Case{R"J([{"secret":{"name":"no","optional":true}}])J", "", ""},
       Case{R"J([{"configMap":{"name":"map","items":[{"key":"z","path":"z"}]}}])J", "",
            "error: configmap references non-existent config key: z"},
       Case{R"J([{"configMap":{"name":"map","optional":true,"items":[{"key":"z","path":"z"}]}}])J",
            "", ""},
       Case{
           R"J([{"downwardAPI":{"items":[{"path":"x","resourceFieldRef":{"containerName":"no","resource":"limits.cpu"}}]}}])J",
           "", "blocked: container no not found"},
       Case{
           R"J([{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}])J",
           "", ""},
       Case{R"J([{"clusterTrustBundle":{"path":"ca","name":"x"}}])J", "", ""},
       Case{R"J([{"serviceAccountToken":{"path":"../t"}}])J", "",
            "error: path \"../t\" leaves the volume"}}) {
    EXPECT_EQ(Filled(m, c.sources, c.spec), c.want) << c.sources;
  }
}

TEST(PayloadOf, TheFilesOfTheDownwardApi) {
  FakeMachine m;
  Plan plan = m.Make("{}", R"J({"volumes":[{"name":"v","downwardAPI":{"items":[
      {"path":"name","fieldRef":{"fieldPath":"metadata.name"}}]}}]})J");
  auto files = PayloadOf(m.lookups(), plan.volumes.at(0), nullptr);
  ASSERT_TRUE(files.ok() && *files && (*files)->size() == 1U);
  EXPECT_EQ((**files)[0].content, "web");
  EXPECT_EQ((**files)[0].mode, 0644);
}

}  // namespace
}  // namespace kpod::pods
