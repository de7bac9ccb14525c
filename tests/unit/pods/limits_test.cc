#include <gtest/gtest.h>

#include "kube/decode.h"
#include "pods/limit_range.h"
#include "pods/quota.h"

namespace kpod::pods {
namespace {

kube::PodSpec PodOf(const std::string& containers, const std::string& rest = "{}") {
  Json spec = Json::parse(rest);
  spec["containers"] = Json::parse(containers);
  return kube::DecodePod({{"metadata", {{"name", "p"}}}, {"spec", spec}}).spec;
}

std::vector<kube::LimitRange> Ranges(const std::string& items) {
  return {kube::DecodeLimitRange(
      {{"metadata", {{"name", "r"}}}, {"spec", {{"limits", Json::parse(items)}}}})};
}

std::vector<kube::ResourceQuota> Quota(const std::string& spec) {
  return {kube::DecodeResourceQuota({{"metadata", {{"name", "q"}}}, {"spec", Json::parse(spec)}})};
}

TEST(LimitRange, DefaultsFollowFromEachOther) {
  auto ranges = Ranges(R"([{"type":"Container","max":{"cpu":"2"},"default":{"memory":"64Mi"},
                            "min":{"memory":"8Mi"},"defaultRequest":{"memory":"16Mi"}}])");
  kube::PodSpec pod = PodOf(R"([{"name":"a"},{"name":"b","resources":{"limits":{"memory":"32Mi"},
                                 "requests":{"cpu":"1"}}}])");
  ApplyDefaults(ranges, &pod);
  const auto& a = pod.containers[0].resources;
  EXPECT_EQ(a.limits.at("cpu").text, "2");
  EXPECT_EQ(a.requests.at("cpu").text, "2");
  EXPECT_EQ(a.limits.at("memory").text, "64Mi");
  EXPECT_EQ(a.requests.at("memory").text, "16Mi");
  const auto& b = pod.containers[1].resources;
  EXPECT_EQ(b.limits.at("memory").text, "32Mi");
  EXPECT_EQ(b.requests.at("memory").text, "32Mi");
  EXPECT_EQ(b.requests.at("cpu").text, "1");
}

TEST(LimitRange, RefusesInTheServersWords) {
  struct Case {
    const char* items;
    const char* resources;
    const char* want;
  };
  for (const Case& c : std::vector<Case>{
           {R"([{"type":"Container","max":{"cpu":"1"}}])", R"({"limits":{"cpu":"2"}})",
            "maximum cpu usage per Container is 1, but limit is 2"},
           {R"([{"type":"Container","max":{"cpu":"1"}}])", "{}",
            "maximum cpu usage per Container is 1.  No limit is specified"},
           {R"([{"type":"Container","min":{"memory":"1Gi"}}])", R"({"limits":{"memory":"1Mi"}})",
            "minimum memory usage per Container is 1Gi, but request is 1Mi"},
           {R"([{"type":"Pod","min":{"memory":"1Gi"}}])", "{}",
            "minimum memory usage per Pod is 1Gi.  No request is specified"},
           {R"([{"type":"Container","maxLimitRequestRatio":{"cpu":"2"}}])",
            R"({"limits":{"cpu":"2"},"requests":{"cpu":"500m"}})",
            "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000"},
           {R"([{"type":"Container","max":{"cpu":"2"}}])", R"({"limits":{"cpu":"2000m"}})", ""},
       }) {
    kube::PodSpec pod = PodOf(std::string(R"([{"name":"a","resources":)") + c.resources + "}]");
    auto said = Violations(Ranges(c.items), pod);
    EXPECT_EQ(said.empty() ? "" : said[0], c.want);
  }
}

TEST(PodTotals, InitContainersBesideTheSidecarsThatAreUp) {
  kube::PodSpec pod = PodOf(
      R"([{"name":"a","resources":{"requests":{"memory":"1Gi","cpu":"500m"}}},
          {"name":"b","resources":{"requests":{"memory":"1Gi"}}}])",
      R"({"initContainers":[
          {"name":"i","resources":{"requests":{"memory":"4Gi"}}},
          {"name":"s","restartPolicy":"Always","resources":{"requests":{"memory":"512Mi","cpu":"1"}}},
          {"name":"j","resources":{"requests":{"cpu":"1500m"}}}]})");
  auto total = PodTotals(pod);
  EXPECT_EQ(total.requests.at("memory").text, "4Gi");
  EXPECT_EQ(total.requests.at("cpu").text, "2500m");
}

TEST(QosClassOf, AsKubernetesRanksPods) {
  struct Case {
    const char* containers;
    const char* rest;
    const char* want;
  };
  for (const Case& c : std::vector<Case>{
           {R"([{"name":"a"}])", "{}", "BestEffort"},
           {R"([{"name":"a","resources":{"limits":{"memory":"1Mi"}}}])", "{}", "Burstable"},
           {R"([{"name":"a","resources":{"limits":{"memory":"1Mi","cpu":"1"}}}])", "{}",
            "Guaranteed"},
           {R"([{"name":"a","resources":{"limits":{"memory":"1Mi","cpu":"1"},
               "requests":{"cpu":"500m"}}}])",
            "{}", "Burstable"},
           {R"([{"name":"a","resources":{"limits":{"memory":"1Mi","cpu":"1"}}},{"name":"b"}])",
            "{}", "Burstable"},
           {R"([{"name":"a"}])",
            R"({"resources":{"limits":{"memory":"1Mi","cpu":"1"},
                "requests":{"memory":"1Mi","cpu":"1"}}})",
            "Guaranteed"},
           {R"([{"name":"a","resources":{"limits":{"ephemeral-storage":"1Mi"}}}])", "{}",
            "BestEffort"},
       }) {
    EXPECT_EQ(QosClassOf(PodOf(c.containers, c.rest)), c.want) << c.containers;
  }
}

TEST(Quota, CountsAndRefuses) {
  auto quotas = Quota(R"({"hard":{"pods":"2","requests.memory":"3Gi","limits.cpu":"4"}})");
  kube::PodSpec small =
      PodOf(R"([{"name":"a","resources":{"requests":{"memory":"1Gi"},"limits":{"cpu":"1"}}}])");
  kube::PodSpec bare = PodOf(R"([{"name":"a"}])");
  QuotaSubject pod{"Pod", "", "p", &small, nullptr, ""};
  QuotaSubject nameless{"Pod", "", "n", &bare, nullptr, ""};
  EXPECT_EQ(QuotaRefusal(quotas, {}, pod), "");
  EXPECT_EQ(QuotaRefusal(quotas, {pod}, pod), "");
  EXPECT_EQ(QuotaRefusal(quotas, {pod, pod}, pod),
            "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2");
  EXPECT_EQ(QuotaRefusal(quotas, {}, nameless),
            "failed quota: q: must specify limits.cpu for: a; requests.memory for: a");
  kube::PodSpec big =
      PodOf(R"([{"name":"a","resources":{"requests":{"memory":"2560Mi"},"limits":{"cpu":"1"}}}])");
  QuotaSubject large{"Pod", "", "l", &big, nullptr, ""};
  EXPECT_EQ(QuotaRefusal(quotas, {pod}, large),
            "exceeded quota: q, requested: requests.memory=2560Mi, used: requests.memory=1Gi, "
            "limited: requests.memory=3Gi");
}

TEST(Quota, ScopesAndOtherKinds) {
  kube::PodSpec bare = PodOf(R"([{"name":"a"}])");
  kube::PodSpec job = PodOf(R"([{"name":"a"}])", R"({"activeDeadlineSeconds":5})");
  QuotaSubject pod{"Pod", "", "p", &bare, nullptr, ""};
  QuotaSubject ends{"Pod", "", "j", &job, nullptr, ""};
  auto none = Quota(R"({"hard":{"pods":"0"},"scopes":["BestEffort","Terminating"]})");
  EXPECT_EQ(QuotaRefusal(none, {}, pod), "");
  EXPECT_NE(QuotaRefusal(none, {}, ends), "");
  auto secrets = Quota(R"({"hard":{"secrets":"1","count/deployments.apps":"0"}})");
  QuotaSubject secret{"Secret", "", "s", nullptr, nullptr, ""};
  EXPECT_EQ(QuotaRefusal(secrets, {}, secret), "");
  EXPECT_EQ(QuotaRefusal(secrets, {secret}, secret),
            "exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1");
  QuotaSubject deployment{"Deployment", "apps", "d", nullptr, nullptr, ""};
  EXPECT_NE(QuotaRefusal(secrets, {}, deployment), "");
}

}  // namespace
}  // namespace kpod::pods
