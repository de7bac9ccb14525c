// Volumes, claims and PersistentVolumes in their typed form; see types.h, which includes this.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/quantity.h"

namespace kpod::kube {

using StringMap = std::map<std::string, std::string>;

struct FieldRef {
  std::string field_path;
};
struct ResourceFieldRef {
  std::string container_name, resource;
  std::string divisor = "0";
};
struct KeyToPath {
  std::string key, path;
  std::optional<int> mode;
};
struct EmptyDir {
  std::string medium;  // "" or "Memory"
  std::optional<Quantity> size_limit;
};
struct HostPath {
  std::string path, type;  // type: "", DirectoryOrCreate, Directory, FileOrCreate, File, Socket,
                           // CharDevice, BlockDevice
};
struct KeyedVolume {  // configMap, secret
  std::string name;
  std::vector<KeyToPath> items;
  int default_mode = 0644;
  bool optional = false;
};
struct DownwardItem {  // exactly one of field and resource is set
  std::string path;
  std::optional<int> mode;
  std::optional<FieldRef> field;
  std::optional<ResourceFieldRef> resource;
};
struct DownwardVolume {
  std::vector<DownwardItem> items;
  int default_mode = 0644;
};
struct TokenProjection {
  std::string audience;  // "": the API server's own
  int64_t expiration_seconds = 3600;
  std::string path;
  int mode = 0644;  // the volume's defaultMode
};
// Exactly one is set, or none when kpod does not carry the source out.
struct ProjectedSource {
  std::optional<KeyedVolume> config_map, secret;
  std::optional<DownwardVolume> downward;
  std::optional<TokenProjection> token;
};
struct ProjectedVolume {
  std::vector<ProjectedSource> sources;  // each default_mode is the volume's
};
struct ImageVolume {
  std::string reference;
  std::string pull_policy;  // defaulted as a container's
};
struct ClaimVolume {
  std::string claim_name;
  bool read_only = false;
};
struct ClaimSpec {
  std::vector<std::string> access_modes;
  // "": of no class; absent: of the default one.
  std::optional<std::string> storage_class;
  std::optional<Quantity> storage;
  std::string volume_name;
  std::string volume_mode = "Filesystem";  // or Block
};
struct Volume {
  std::string name;
  std::optional<EmptyDir> empty_dir;
  std::optional<HostPath> host_path;
  std::optional<KeyedVolume> config_map, secret;
  std::optional<ClaimVolume> claim;
  std::optional<DownwardVolume> downward;
  std::optional<ProjectedVolume> projected;
  std::optional<ClaimSpec> ephemeral;
  std::optional<ImageVolume> image;
  std::string unsupported;  // the source's name ("nfs") when kpod does not carry it out
};
struct VolumeMount {
  std::string name, mount_path, sub_path, sub_path_expr, mount_propagation;
  bool read_only = false;
  std::string recursive_read_only;  // "", Disabled, IfPossible, Enabled
  std::string relabel = {};         // "z", "Z": what Podman takes after a colon of mountPath
};
struct VolumeDevice {
  std::string name, device_path;
};

}  // namespace kpod::kube
