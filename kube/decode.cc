// Metadata, workloads and configuration; pods are in decode_pod.cc.
#include "kube/decode.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "kube/decode_parts.h"
#include "kube/podman.h"

namespace kpod::kube {

StringMap MapAt(const Json& j, std::string_view key) {
  StringMap out;
  const Json& map = At(j, key);
  if (!map.is_object()) return out;
  for (const auto& [k, v] : map.items()) {
    if (v.is_string()) out[k] = v.get<std::string>();
  }
  return out;
}

ObjectMeta NamespacedMeta(const Json& object) {
  ObjectMeta meta = DecodeMeta(object);
  if (meta.ns.empty()) meta.ns = "default";
  return meta;
}

namespace {

int Int32At(const Json& j, std::string_view key, int otherwise) {
  return static_cast<int>(std::clamp<int64_t>(
      IntAt(j, key, otherwise), std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

std::string IntOrStringAt(const Json& j, std::string_view key, std::string_view otherwise) {
  const Json& value = At(j, key);
  if (value.is_number_integer()) return Dump(value);
  return StringAt(j, key, otherwise);
}

LabelSelector DecodeSelector(const Json& selector) {
  LabelSelector out;
  out.match_labels = MapAt(selector, "matchLabels");
  const Json& expressions = At(selector, "matchExpressions");
  if (!expressions.is_array()) return out;
  for (const Json& e : expressions) {
    out.match_expressions.push_back(
        {StringAt(e, "key"), StringAt(e, "operator"), StringsAt(e, "values")});
  }
  return out;
}

// Structure has refused what is not base64; an entry that still is not one is left out.
StringMap DecodedMapAt(const Json& j, std::string_view key) {
  StringMap out;
  for (const auto& [k, v] : MapAt(j, key)) {
    if (auto bytes = Base64Decode(v)) out[k] = std::move(*bytes);
  }
  return out;
}

}  // namespace

ObjectMeta DecodeMeta(const Json& object) {
  const Json& meta = At(object, "metadata");
  ObjectMeta out;
  out.name = StringAt(meta, "name");
  out.ns = StringAt(meta, "namespace");
  out.uid = StringAt(meta, "uid");
  out.generate_name = StringAt(meta, "generateName");
  out.labels = MapAt(meta, "labels");
  out.annotations = MapAt(meta, "annotations");
  return out;
}

Pod DecodePod(const Json& object) {
  Pod out{NamespacedMeta(object), DecodePodSpec(At(object, "spec"))};
  out.spec.host_users = HasHostUsers(object);
  ApplyPodmanAnnotations(out.metadata.annotations, &out.spec);
  return out;
}

PodTemplate DecodePodTemplate(const Json& pod_template) {
  PodTemplate out{DecodeMeta(pod_template), DecodePodSpec(At(pod_template, "spec"))};
  out.spec.host_users = HasHostUsers(pod_template);
  ApplyPodmanAnnotations(out.metadata.annotations, &out.spec);
  return out;
}

Deployment DecodeDeployment(const Json& object) {
  const Json& spec = At(object, "spec");
  Deployment out;
  out.metadata = NamespacedMeta(object);
  out.replicas = Int32At(spec, "replicas", out.replicas);
  out.selector = DecodeSelector(At(spec, "selector"));
  out.pod_template = DecodePodTemplate(At(spec, "template"));
  out.paused = BoolAt(spec, "paused");
  const Json& strategy = At(spec, "strategy");
  out.strategy = StringAt(strategy, "type", out.strategy);
  if (out.strategy.empty()) out.strategy = "RollingUpdate";
  const Json& rolling = At(strategy, "rollingUpdate");
  out.max_surge = IntOrStringAt(rolling, "maxSurge", out.max_surge);
  out.max_unavailable = IntOrStringAt(rolling, "maxUnavailable", out.max_unavailable);
  out.min_ready_seconds = Int32At(spec, "minReadySeconds", 0);
  out.revision_history_limit = Int32At(spec, "revisionHistoryLimit", out.revision_history_limit);
  out.progress_deadline_seconds =
      Int32At(spec, "progressDeadlineSeconds", out.progress_deadline_seconds);
  return out;
}

ConfigMap DecodeConfigMap(const Json& object) {
  return {NamespacedMeta(object), MapAt(object, "data"), DecodedMapAt(object, "binaryData"),
          BoolAt(object, "immutable")};
}

Secret DecodeSecret(const Json& object) {
  Secret out;
  out.metadata = NamespacedMeta(object);
  out.type = StringAt(object, "type");
  if (out.type.empty()) out.type = "Opaque";
  out.data = DecodedMapAt(object, "data");
  for (auto& [key, value] : MapAt(object, "stringData")) out.data[key] = value;
  out.immutable = BoolAt(object, "immutable");
  return out;
}

PersistentVolumeClaim DecodePersistentVolumeClaim(const Json& object) {
  return {NamespacedMeta(object), DecodeClaimSpec(At(object, "spec"))};
}

PersistentVolume DecodePersistentVolume(const Json& object) {
  const Json& spec = At(object, "spec");
  PersistentVolume out;
  out.metadata = DecodeMeta(object);
  out.access_modes = StringsAt(spec, "accessModes");
  out.storage_class = StringAt(spec, "storageClassName");
  if (auto q = QuantityFrom(At(At(spec, "capacity"), "storage"))) {
    out.storage = std::move(q).value();
  }
  if (std::string mode = StringAt(spec, "volumeMode"); !mode.empty()) out.volume_mode = mode;
  const Json& claim = At(spec, "claimRef");
  out.claim_ns = StringAt(claim, "namespace");
  out.claim_name = StringAt(claim, "name");
  if (const Json& path = At(spec, "hostPath"); path.is_object()) {
    out.host_path = HostPath{StringAt(path, "path"), StringAt(path, "type")};
  } else if (const Json& local = At(spec, "local"); local.is_object()) {
    out.host_path.path = StringAt(local, "path");
    out.must_exist = true;
  } else {
    out.unsupported = "its source";
    if (spec.is_object()) {
      for (const auto& [key, value] : spec.items()) {
        if (value.is_object() && key != "capacity" && key != "claimRef" && key != "nodeAffinity") {
          out.unsupported = key;
        }
      }
    }
  }
  return out;
}

}  // namespace kpod::kube
