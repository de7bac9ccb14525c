#include "pods/immutable.h"

#include <string>

#include "base/text.h"
#include "kube/decode.h"

namespace kpod::pods {

namespace {

constexpr const char* kForbidden = ": Forbidden: field is immutable when `immutable` is set";

std::string Violation(const kube::ConfigMap& before, const kube::ConfigMap& now) {
  if (!before.immutable) return "";
  if (!now.immutable) return StrCat("immutable", kForbidden);
  if (before.data != now.data) return StrCat("data", kForbidden);
  if (before.binary_data != now.binary_data) return StrCat("binaryData", kForbidden);
  return "";
}

std::string Violation(const kube::Secret& before, const kube::Secret& now) {
  if (before.type != now.type)
    return StrCat("type: Invalid value: ", Quote(now.type), ": field is immutable");
  if (!before.immutable) return "";
  if (!now.immutable) return StrCat("immutable", kForbidden);
  return before.data == now.data ? "" : StrCat("data", kForbidden);
}

}  // namespace

Status CheckImmutable(const store::StoredObject& before, const store::StoredObject& now) {
  std::string violation;
  if (now.kind == "ConfigMap") {
    violation = Violation(kube::DecodeConfigMap(before.object), kube::DecodeConfigMap(now.object));
  } else if (now.kind == "Secret") {
    violation = Violation(kube::DecodeSecret(before.object), kube::DecodeSecret(now.object));
  }
  if (violation.empty()) return OkStatus();
  return Error(StrCat(now.kind, " \"", now.name, "\" is invalid: ", violation));
}

}  // namespace kpod::pods
