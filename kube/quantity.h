// Kubernetes quantities: "100m", "1.5Gi", "2e3". Source: k8s.io/apimachinery/pkg/api/resource.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace kpod::kube {

struct Quantity {
  std::string text;   // canonical, as Kubernetes prints it; exact even where `units` is saturated
  int64_t units = 0;  // the value rounded towards zero; saturates at +-INT64_MAX
  int64_t nanos = 0;  // the fraction, in 1e-9 units, same sign

  int64_t Value() const;       // units, rounded away from zero (bytes, counts)
  int64_t MilliValue() const;  // thousandths, rounded away from zero (CPU); saturates
  int Sign() const { return units != 0 ? (units < 0 ? -1 : 1) : (nanos > 0) - (nanos < 0); }
};

// By value; "1Gi" equals "1024Mi".
inline std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
  if (auto order = a.units <=> b.units; order != 0) return order;
  return a.nanos <=> b.nanos;
}
inline bool operator==(const Quantity& a, const Quantity& b) { return (a <=> b) == 0; }

// Exact; in the notation of `a` as far as the sum allows. Saturates like `units`.
Quantity Add(const Quantity& a, const Quantity& b);

// What is finer than a nano is rounded up (away from zero), so that whoever asks for something gets
// something.
Result<Quantity> ParseQuantity(std::string_view text);
// A manifest may write a quantity as a number ("cpu: 2").
Result<Quantity> QuantityFrom(const Json& value);

}  // namespace kpod::kube
