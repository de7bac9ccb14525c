// Volumes of a pod, with the defaults of Kubernetes' pkg/apis/core/v1/defaults.go.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "kube/decode_parts.h"

namespace kpod::kube {
namespace {

KeyToPath DecodeItem(const Json& j) {
  KeyToPath out{StringAt(j, "key"), StringAt(j, "path"), std::nullopt};
  if (auto mode = OptionalInt(j, "mode")) out.mode = SmallInt(*mode);
  return out;
}

// The API names a configMap "name" and a secret "secretName".
KeyedVolume DecodeKeyed(const Json& j, std::string_view name_key) {
  return {StringAt(j, name_key), Each(At(j, "items"), DecodeItem),
          SmallInt(IntAt(j, "defaultMode", 0644)), BoolAt(j, "optional")};
}

void DecodeSource(std::string_view kind, const Json& j, Volume* out) {
  if (kind == "emptyDir") {
    out->empty_dir = EmptyDir{StringAt(j, "medium"), std::nullopt};
    if (auto limit = QuantityFrom(At(j, "sizeLimit"))) {
      out->empty_dir->size_limit = std::move(limit).value();
    }
  } else if (kind == "hostPath") {
    out->host_path = HostPath{StringAt(j, "path"), StringAt(j, "type")};
  } else if (kind == "configMap") {
    out->config_map = DecodeKeyed(j, "name");
  } else if (kind == "secret") {
    out->secret = DecodeKeyed(j, "secretName");
  } else if (kind == "persistentVolumeClaim") {
    out->claim = ClaimVolume{StringAt(j, "claimName"), BoolAt(j, "readOnly")};
  } else {
    out->unsupported = std::string(kind);
  }
}

}  // namespace

Volume DecodeVolume(const Json& j) {
  Volume out;
  out.name = StringAt(j, "name");
  bool has_source = false;
  if (j.is_object()) {
    for (const auto& [key, value] : j.items()) {
      if (key == "name" || value.is_null()) continue;
      DecodeSource(key, value, &out);
      has_source = true;
    }
  }
  if (!has_source) out.empty_dir = EmptyDir{};
  return out;
}

}  // namespace kpod::kube
