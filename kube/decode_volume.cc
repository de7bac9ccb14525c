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
KeyedVolume DecodeKeyed(const Json& j, std::string_view name_key, int default_mode = 0644) {
  return {StringAt(j, name_key), Each(At(j, "items"), DecodeItem),
          SmallInt(IntAt(j, "defaultMode", default_mode)), BoolAt(j, "optional")};
}

DownwardItem DecodeDownwardItem(const Json& j) {
  DownwardItem out{StringAt(j, "path"), std::nullopt, DecodeFieldRef(At(j, "fieldRef")),
                   DecodeResourceFieldRef(At(j, "resourceFieldRef"))};
  if (auto mode = OptionalInt(j, "mode")) out.mode = SmallInt(*mode);
  return out;
}

DownwardVolume DecodeDownward(const Json& j, int default_mode = 0644) {
  return {Each(At(j, "items"), DecodeDownwardItem),
          SmallInt(IntAt(j, "defaultMode", default_mode))};
}

ProjectedVolume DecodeProjected(const Json& j) {
  ProjectedVolume out;
  int mode = SmallInt(IntAt(j, "defaultMode", 0644));
  const Json& sources = At(j, "sources");
  if (!sources.is_array()) return out;
  for (const Json& source : sources) {
    ProjectedSource& to = out.sources.emplace_back();
    if (const Json& map = At(source, "configMap"); map.is_object()) {
      to.config_map = DecodeKeyed(map, "name", mode);
    } else if (const Json& secret = At(source, "secret"); secret.is_object()) {
      to.secret = DecodeKeyed(secret, "name", mode);
    } else if (const Json& downward = At(source, "downwardAPI"); downward.is_object()) {
      to.downward = DecodeDownward(downward, mode);
    } else if (const Json& token = At(source, "serviceAccountToken"); token.is_object()) {
      to.token =
          TokenProjection{StringAt(token, "audience"), IntAt(token, "expirationSeconds", 3600),
                          StringAt(token, "path"), mode};
    }
  }
  return out;
}

ImageVolume DecodeImage(const Json& j) {
  ImageVolume out{StringAt(j, "reference"), StringAt(j, "pullPolicy")};
  if (out.pull_policy.empty()) out.pull_policy = DefaultPullPolicy(out.reference);
  return out;
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
  } else if (kind == "downwardAPI") {
    out->downward = DecodeDownward(j);
  } else if (kind == "projected") {
    out->projected = DecodeProjected(j);
  } else if (kind == "ephemeral") {
    out->ephemeral = DecodeClaimSpec(At(At(j, "volumeClaimTemplate"), "spec"));
  } else if (kind == "image") {
    out->image = DecodeImage(j);
  } else {
    out->unsupported = std::string(kind);
  }
}

}  // namespace

ClaimSpec DecodeClaimSpec(const Json& spec) {
  ClaimSpec out;
  out.access_modes = StringsAt(spec, "accessModes");
  if (At(spec, "storageClassName").is_string()) {
    out.storage_class = StringAt(spec, "storageClassName");
  }
  if (auto q = QuantityFrom(At(At(At(spec, "resources"), "requests"), "storage"))) {
    out.storage = std::move(q).value();
  }
  out.volume_name = StringAt(spec, "volumeName");
  if (std::string mode = StringAt(spec, "volumeMode"); !mode.empty()) out.volume_mode = mode;
  return out;
}

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
