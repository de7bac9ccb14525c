#include "pods/immutable.h"

#include <gtest/gtest.h>

namespace kpod::pods {
namespace {

std::string Refusal(const std::string& kind, const std::string& before, const std::string& now) {
  auto object = [&](const std::string& text) {
    store::StoredObject o;
    o.kind = kind;
    o.name = "x";
    o.object = Json::parse(text);
    return o;
  };
  Status s = CheckImmutable(object(before), object(now));
  return s ? "" : s.error().message();
}

TEST(CheckImmutable, WhatTheApiServerRefuses) {
  const std::string forbidden = ": Forbidden: field is immutable when `immutable` is set";
  const std::string map = "ConfigMap \"x\" is invalid: ", secret = "Secret \"x\" is invalid: ";
  struct Case {
    const char *kind, *before, *now;
    std::string want;
  };
  for (const Case& c : {
           Case{"ConfigMap", R"({"data":{"a":"1"}})", R"({"data":{"a":"2"}})", ""},
           Case{"ConfigMap", R"({"data":{"a":"1"}})", R"({"data":{"a":"1"},"immutable":true})", ""},
           Case{"ConfigMap", R"({"immutable":true,"data":{"a":"1"}})",
                R"({"immutable":true,"data":{"a":"1"},"metadata":{"labels":{"l":"m"}}})", ""},
           Case{"ConfigMap", R"({"immutable":true,"data":{"a":"1"}})",
                R"({"immutable":true,"data":{"a":"2"}})", map + "data" + forbidden},
           Case{"ConfigMap", R"({"immutable":true})",
                R"({"immutable":true,"binaryData":{"a":"AAE="}})", map + "binaryData" + forbidden},
           Case{"ConfigMap", R"({"immutable":true,"data":{"a":"1"}})", R"({"data":{"a":"1"}})",
                map + "immutable" + forbidden},
           Case{"Secret", R"({"immutable":true,"data":{"a":"MQ=="}})",
                R"({"immutable":true,"stringData":{"a":"1"}})", ""},
           Case{"Secret", R"({"immutable":true,"data":{"a":"MQ=="}})",
                R"({"immutable":true,"data":{}})", secret + "data" + forbidden},
           Case{"Secret", R"({"immutable":true})", R"({"immutable":false})",
                secret + "immutable" + forbidden},
           Case{"Secret", R"({"type":"Opaque"})", R"({})", ""},
           Case{"Secret", R"({})", R"({"type":"kubernetes.io/tls"})",
                secret + "type: Invalid value: \"kubernetes.io/tls\": field is immutable"},
           Case{"Service", R"({"immutable":true,"data":{}})", R"({})", ""},
       }) {
    EXPECT_EQ(Refusal(c.kind, c.before, c.now), c.want) << c.before << " " << c.now;
  }
}

}  // namespace
}  // namespace kpod::pods
