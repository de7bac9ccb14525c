// Volumes of pods, claims and volumes of clusters: what is absent gets the API server's default.
#include <gtest/gtest.h>

#include "kube/decode.h"
#include "tests/unit/kube/json.h"

namespace kpod::kube {
namespace {

TEST(DecodeVolume, Volumes) {
  PodSpec spec = DecodePodSpec(J(R"({"volumes": [
    {"name": "a"}, {"name": "b", "emptyDir": {}},
    {"name": "c", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    {"name": "d", "hostPath": {"path": "/x", "type": "Socket"}},
    {"name": "e", "configMap": {"name": "m"}},
    {"name": "f", "secret": {"secretName": "s", "defaultMode": 256, "optional": true,
                             "items": [{"key": "k", "path": "p", "mode": 384}, {"key": "l", "path": "q"}]}},
    {"name": "g", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}},
    {"name": "h", "nfs": {"server": "s", "path": "/"}}]})"));
  ASSERT_EQ(spec.volumes.size(), 8u);
  const auto& v = spec.volumes;
  EXPECT_TRUE(v[0].empty_dir);
  EXPECT_EQ(v[1].empty_dir->medium, "");
  EXPECT_FALSE(v[1].empty_dir->size_limit);
  EXPECT_EQ(v[2].empty_dir->medium, "Memory");
  EXPECT_EQ(v[2].empty_dir->size_limit->Value(), 67108864);
  EXPECT_EQ(v[3].host_path->type, "Socket");
  EXPECT_EQ(v[4].config_map->name, "m");
  EXPECT_EQ(v[4].config_map->default_mode, 0644);
  EXPECT_EQ(v[5].secret->name, "s");
  EXPECT_EQ(v[5].secret->default_mode, 0400);
  EXPECT_TRUE(v[5].secret->optional);
  EXPECT_EQ(v[5].secret->items[0].mode, 0600);
  EXPECT_FALSE(v[5].secret->items[1].mode);
  EXPECT_EQ(v[6].claim->claim_name, "data");
  EXPECT_TRUE(v[6].claim->read_only);
  EXPECT_EQ(v[7].unsupported, "nfs");
  EXPECT_FALSE(v[7].empty_dir);
}

TEST(DecodeVolume, VolumesMadeOfOtherThings) {
  PodSpec spec = DecodePodSpec(J(R"({"volumes": [
    {"name": "a", "downwardAPI": {"defaultMode": 256, "items": [
      {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
      {"path": "cpu", "mode": 292, "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}}]}},
    {"name": "b", "projected": {"defaultMode": 288, "sources": [
      {"configMap": {"name": "m", "optional": true, "items": [{"key": "k", "path": "p"}]}},
      {"secret": {"name": "s"}},
      {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
      {"serviceAccountToken": {"path": "token"}},
      {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}},
      {"clusterTrustBundle": {"path": "ca.crt", "name": "x"}}]}},
    {"name": "c", "ephemeral": {"volumeClaimTemplate": {"spec": {"volumeMode": "Block", "accessModes": ["ReadWriteOnce"],
      "resources": {"requests": {"storage": "1Mi"}}}}}},
    {"name": "d", "image": {"reference": "data"}},
    {"name": "e", "image": {"reference": "data:1", "pullPolicy": "Never"}}]})"));
  ASSERT_EQ(spec.volumes.size(), 5u);
  const auto& v = spec.volumes;
  EXPECT_EQ(v[0].downward->default_mode, 0400);
  EXPECT_EQ(v[0].downward->items[0].field->field_path, "metadata.labels");
  EXPECT_FALSE(v[0].downward->items[0].mode);
  EXPECT_EQ(v[0].downward->items[1].resource->divisor, "1m");
  EXPECT_EQ(v[0].downward->items[1].mode, 0444);
  const auto& sources = v[1].projected->sources;
  ASSERT_EQ(sources.size(), 6u);
  EXPECT_EQ(sources[0].config_map->name, "m");
  EXPECT_EQ(sources[0].config_map->default_mode, 0440);
  EXPECT_TRUE(sources[0].config_map->optional);
  EXPECT_EQ(sources[1].secret->name, "s");
  EXPECT_EQ(sources[2].downward->default_mode, 0440);
  EXPECT_EQ(sources[3].token->expiration_seconds, 3600);
  EXPECT_EQ(sources[4].token->audience + sources[4].token->path, "vaultvault");
  EXPECT_EQ(sources[4].token->expiration_seconds, 600);
  EXPECT_FALSE(sources[5].config_map || sources[5].secret || sources[5].downward ||
               sources[5].token);
  EXPECT_EQ(v[2].ephemeral->volume_mode, "Block");
  EXPECT_EQ(v[2].ephemeral->storage->Value(), 1048576);
  EXPECT_EQ(v[3].image->pull_policy, "Always");
  EXPECT_EQ(v[4].image->pull_policy, "Never");
}

TEST(DecodeVolume, PersistentVolumeClaim) {
  PersistentVolumeClaim c = DecodePersistentVolumeClaim(J(R"({"metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "pv",
             "resources": {"requests": {"storage": "1Gi"}}}})"));
  EXPECT_EQ(c.spec.access_modes, std::vector<std::string>{"ReadWriteOnce"});
  EXPECT_EQ(c.spec.storage_class, "");
  EXPECT_EQ(c.spec.storage->Value(), 1073741824);
  EXPECT_EQ(c.spec.volume_name, "pv");
  EXPECT_EQ(c.spec.volume_mode, "Filesystem");
  c = DecodePersistentVolumeClaim(J("{}"));
  EXPECT_FALSE(c.spec.storage_class);
  EXPECT_FALSE(c.spec.storage);
}

TEST(DecodeVolume, PersistentVolume) {
  PersistentVolume v = DecodePersistentVolume(J(R"({"metadata": {"name": "disk"}, "spec": {
    "capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
    "claimRef": {"namespace": "shop", "name": "data"}, "hostPath": {"path": "/mnt/data", "type": "Directory"}}})"));
  EXPECT_EQ(v.metadata.name + v.metadata.ns, "disk");
  EXPECT_EQ(v.storage->Value(), 10737418240);
  EXPECT_EQ(v.storage_class, "manual");
  EXPECT_EQ(v.claim_ns + "/" + v.claim_name, "shop/data");
  EXPECT_EQ(v.host_path.path + v.host_path.type, "/mnt/dataDirectory");
  EXPECT_FALSE(v.must_exist);
  EXPECT_EQ(v.unsupported, "");
  v = DecodePersistentVolume(
      J(R"({"spec": {"local": {"path": "/dev/vdb"}, "volumeMode": "Block"}})"));
  EXPECT_EQ(v.host_path.path, "/dev/vdb");
  EXPECT_TRUE(v.must_exist);
  EXPECT_EQ(v.volume_mode, "Block");
  v = DecodePersistentVolume(J(R"({"spec": {"capacity": {"storage": "1"}, "nfs": {"path": "/"},
    "claimRef": {"name": "x"}}})"));
  EXPECT_EQ(v.unsupported, "nfs");
}

}  // namespace
}  // namespace kpod::kube
