// JSON in the text of a test.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

namespace kpod::kube {

inline Json J(const std::string& text) {
  auto json = ParseJson(text, "test");
  EXPECT_TRUE(json.ok()) << text;
  return json.ok() ? *json : Json();
}

}  // namespace kpod::kube
