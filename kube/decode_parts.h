// What the decoders share; included by decode*.cc only.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "base/json.h"
#include "kube/types.h"

namespace kpod::kube {

inline std::optional<bool> OptionalBool(const Json& j, std::string_view key) {
  const Json& value = At(j, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

inline std::optional<int64_t> OptionalInt(const Json& j, std::string_view key) {
  return At(j, key).is_number_integer() ? std::optional(IntAt(j, key)) : std::nullopt;
}

inline int SmallInt(int64_t value) {
  return static_cast<int>(
      std::clamp<int64_t>(value, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// The elements of a list, each through `decode`; what is no list is empty.
template <class T>
std::vector<T> Each(const Json& list, T (*decode)(const Json&)) {
  std::vector<T> out;
  if (!list.is_array()) return out;
  out.reserve(list.size());
  for (const Json& item : list) out.push_back(decode(item));
  return out;
}

StringMap MapAt(const Json& j, std::string_view key);
// Of the typed kinds, which all live in a namespace.
ObjectMeta NamespacedMeta(const Json& object);
std::optional<SeccompProfile> DecodeSeccomp(const Json& j);
std::optional<AppArmorProfile> DecodeAppArmor(const Json& j);
std::optional<SelinuxOptions> DecodeSelinux(const Json& j);
ResourceList DecodeResourceList(const Json& j);
Container DecodeContainer(const Json& j);
Volume DecodeVolume(const Json& j);
ClaimSpec DecodeClaimSpec(const Json& spec);
std::optional<FieldRef> DecodeFieldRef(const Json& j);
std::optional<ResourceFieldRef> DecodeResourceFieldRef(const Json& j);
// Without a tag the tag is "latest", and that is always pulled, unless a digest pins the image.
std::string DefaultPullPolicy(std::string_view image);

}  // namespace kpod::kube
