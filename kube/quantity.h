// Kubernetes quantities: "100m", "1.5Gi", "2e3". Source: k8s.io/apimachinery/pkg/api/resource.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpod::kube {

struct Quantity {
  std::string text;     // canonical, as Kubernetes prints it
  int64_t nano_hi = 0;  // value in units, rounded towards zero
  int64_t nano_lo = 0;  // the fraction, in 1e-9 units, same sign

  int64_t Value() const;       // units, rounded up (bytes, counts)
  int64_t MilliValue() const;  // thousandths, rounded up (CPU); saturates
};

Result<Quantity> ParseQuantity(std::string_view text);

}  // namespace kpod::kube
