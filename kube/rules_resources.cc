// Resource limits and requests.
#include <optional>

#include "base/text.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

// Extended resources (a vendor's domain before the slash) are counted, never shared.
bool IsExtended(std::string_view name) {
  size_t slash = name.find('/');
  return slash != std::string_view::npos && !name.substr(0, slash).ends_with("kubernetes.io");
}

bool IsStandard(std::string_view name) {
  return OneOf(name, "cpu|memory|ephemeral-storage") || name.starts_with("hugepages-");
}

bool MayOvercommit(std::string_view name) {
  return !IsExtended(name) && !name.starts_with("hugepages-");
}

void CheckName(const Field& list, const std::string& name) {
  Field key = list.NameOf(name);
  if (std::string why = IsQualifiedName(name); !why.empty()) {
    key.InvalidText(name, why);
  } else if (name.find('/') == std::string::npos && !IsStandard(name)) {
    key.InvalidText(name, "must be a standard resource for containers");
  } else if (IsExtended(name) && name.starts_with("requests.")) {
    key.InvalidText(name, "doesn't follow extended resource name standard");
  }
}

std::optional<Quantity> CheckAmount(const Field& value, std::string_view name) {
  std::optional<Quantity> amount = CheckNonNegativeQuantity(value);
  if (amount && IsExtended(name) && amount->nanos != 0) {
    value.InvalidText(amount->text, "must be an integer");
  }
  return amount;
}

}  // namespace

void CheckResources(const Field& resources) {
  if (!resources.present()) return;
  Field limits = resources["limits"];
  Field requests = resources["requests"];
  bool huge_pages = false;
  bool cpu_or_memory = false;
  auto note = [&](const std::string& name) {
    huge_pages |= name.starts_with("hugepages-");
    cpu_or_memory |= OneOf(name, "cpu|memory");
  };
  for (const auto& [name, limit] : limits.Members()) {
    note(name);
    CheckName(limits, name);
    CheckAmount(limit, name);
  }
  for (const auto& [name, request] : requests.Members()) {
    note(name);
    CheckName(requests, name);
    std::optional<Quantity> wanted = CheckAmount(request, name);
    Field limit_field = limits.Key(name);
    if (!limit_field.present()) {
      if (!MayOvercommit(name)) {
        limits.Required("Limit must be set for non overcommitable resources");
      }
      continue;
    }
    auto limit = QuantityFrom(limit_field.json());
    if (!wanted || !limit) continue;
    if (!MayOvercommit(name) && *wanted != *limit) {
      request.InvalidText(wanted->text,
                          StrCat("must be equal to ", name, " limit of ", limit->text));
    } else if (*wanted > *limit) {
      request.InvalidText(
          wanted->text, StrCat("must be less than or equal to ", name, " limit of ", limit->text));
    }
  }
  if (huge_pages && !cpu_or_memory) {
    resources.Forbidden("HugePages require cpu or memory");
  }
}

}  // namespace kpod::kube::rules
