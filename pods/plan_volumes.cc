#include "pods/plan_volumes.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "pods/downward.h"
#include "pods/payload.h"

namespace kpod::pods {

namespace {

void Block(Blocked* blocked, std::string message) {
  if (blocked->reason.empty()) *blocked = {"CreateContainerConfigError", std::move(message)};
}

void Missing(const char* kind, const std::string& name, Blocked* blocked) {
  Block(blocked, StrCat(kind, " \"", name, "\" not found"));
}

void CheckObject(const kube::KeyedVolume& v, bool secret, const Lookups& lookups,
                 Blocked* blocked) {
  if (v.optional || (!secret && IsOfEveryNamespace(v.name))) return;
  bool found = secret ? lookups.secret(v.name).has_value() : lookups.config_map(v.name).has_value();
  if (!found) Missing(secret ? "secret" : "configmap", v.name, blocked);
}

// The kubelet's words (its DesiredStateOfWorldPopulator).
constexpr const char* kBlockMode = " has volumeMode Block, but is specified in ";
constexpr const char* kFilesystemMode = " has volumeMode Filesystem, but is specified in ";

// 0 for a claim that is a directory. Whole pages, which every sector size divides.
int64_t BlockBytes(const kube::ClaimSpec& claim) {
  constexpr int64_t kPage = 4096;
  constexpr int64_t kMost = int64_t{1} << 60;
  if (claim.volume_mode != "Block") return 0;
  int64_t asked = claim.storage ? claim.storage->Value() : 0;
  return (std::clamp(asked, kPage, kMost) + kPage - 1) / kPage * kPage;
}

std::vector<FilePlan> DownwardFiles(const kube::Pod& pod, const kube::DownwardVolume& volume,
                                    const Lookups& lookups, Blocked* blocked) {
  std::vector<FilePlan> files;
  for (const kube::DownwardItem& item : volume.items) {
    FilePlan f{item.path, "", item.mode.value_or(volume.default_mode)};
    if (item.field) {
      f.content = FieldValue(pod, lookups, item.field->field_path).value_or("");
    } else if (item.resource) {
      Result<std::string> value = ResourceValue(pod, nullptr, lookups, *item.resource);
      if (!value) {
        Block(blocked, value.error().message());
        continue;
      }
      f.content = *value;
    }
    files.push_back(std::move(f));
  }
  return files;
}

// The user that all containers say they run as. Source: FsUserFrom of
// k8s.io/kubernetes/pkg/volume/util.
std::optional<uint32_t> CommonUser(const kube::PodSpec& spec) {
  std::optional<int64_t> common;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& c : *list) {
      const auto& own = c.security_context.run_as_user;
      std::optional<int64_t> user = own ? own : spec.security_context.run_as_user;
      if (!user || (common && *common != *user)) return std::nullopt;
      common = user;
    }
  }
  return common ? std::optional(static_cast<uint32_t>(*common)) : std::nullopt;
}

ProjectionPlan PlanProjection(const kube::Pod& pod, const kube::ProjectedSource& source,
                              const Lookups& lookups, Blocked* blocked) {
  ProjectionPlan out;
  if (source.config_map) CheckObject(*source.config_map, false, lookups, blocked);
  if (source.secret) CheckObject(*source.secret, true, lookups, blocked);
  out.config_map = source.config_map;
  out.secret = source.secret;
  if (source.downward) out.files = DownwardFiles(pod, *source.downward, lookups, blocked);
  if (!source.token) return out;
  TokenPlan& t = out.token.emplace();
  t.account = pod.spec.service_account_name;
  t.audience = source.token->audience;
  t.path = source.token->path;
  t.expiration_seconds = source.token->expiration_seconds;
  t.mode = source.token->mode;
  t.owner = CommonUser(pod.spec);
  // Whoever it is given to may read it, and nobody else (the kubelet's projected volumes).
  if (t.owner || pod.spec.security_context.fs_group) t.mode = 0600;
  return out;
}

void PlanImage(const kube::Pod& pod, const kube::ImageVolume& image, const Lookups& lookups,
               VolumePlan* out) {
  out->kind = VolumePlan::Kind::kImage;
  out->source = image.reference;
  out->pull_policy = image.pull_policy;
  Lookups::ImageAnswer answer =
      lookups.image(image.reference, image.pull_policy, pod.spec.image_pull_secrets);
  out->blocked = answer.blocked;
  if (!answer.image) return;
  out->image_id = answer.image->id;
  out->layers = answer.image->layers;
}

bool LeavesVolume(const std::string& sub_path) {
  std::vector<std::string> parts = Split(sub_path, '/');
  return sub_path.starts_with('/') || std::find(parts.begin(), parts.end(), "..") != parts.end();
}

// "HugePages-2Mi" names the size; "HugePages" means the only one of which a container asks for
// pages (pkg/volume/emptydir of Kubernetes).
int64_t HugePageBytes(const std::string& medium, const kube::PodSpec& spec) {
  constexpr std::string_view kMedium = "HugePages-", kResource = "hugepages-";
  if (medium.starts_with(kMedium)) {
    Result<kube::Quantity> size = kube::ParseQuantity(medium.substr(kMedium.size()));
    return size ? size->Value() : 0;
  }
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& c : *list) {
      for (const auto& [name, quantity] : c.resources.limits) {
        if (!name.starts_with(kResource)) continue;
        Result<kube::Quantity> size = kube::ParseQuantity(name.substr(kResource.size()));
        if (size) return size->Value();
      }
    }
  }
  return 0;
}

}  // namespace

void PlanMounts(const std::vector<VolumePlan>& volumes, const kube::Container& c,
                const kube::StringMap& vars, ContainerPlan* out) {
  for (const kube::VolumeMount& m : c.volume_mounts) {
    MountPlan mount{m.name,      CleanPath("/" + m.mount_path),
                    m.sub_path,  m.mount_propagation,
                    m.read_only, false,
                    m.relabel};
    // IfPossible is Enabled: every kernel that kpod runs on can do it.
    mount.recursive_read_only =
        m.recursive_read_only == "Enabled" || m.recursive_read_only == "IfPossible";
    if (!m.sub_path_expr.empty()) {
      mount.sub_path = Expand(m.sub_path_expr, vars);
      // What stays is a reference to a variable that there is not.
      bool unknown = Contains(mount.sub_path, "$(");
      if ((unknown || LeavesVolume(mount.sub_path)) && out->blocked.reason.empty()) {
        out->blocked = {"CreateContainerConfigError",
                        unknown ? StrCat("missing value for ", Quote(mount.sub_path))
                                : StrCat("subPath ", Quote(mount.sub_path), " leaves the volume")};
      }
    }
    for (const VolumePlan& v : volumes) {
      if (v.name != m.name) continue;
      // Kubernetes mounts objects' payloads and images read-only whatever readOnly says.
      if (IsPayload(v) || v.kind == VolumePlan::Kind::kImage || v.read_only) mount.read_only = true;
      if (out->blocked.reason.empty()) out->blocked = v.blocked;
      if (v.block_bytes > 0)
        Block(&out->blocked, StrCat("volume ", v.name, kBlockMode, "volumeMounts"));
    }
    out->mounts.push_back(std::move(mount));
  }
  // A mount below another must come after it.
  std::stable_sort(out->mounts.begin(), out->mounts.end(), [](const auto& a, const auto& b) {
    return std::count(a.path.begin(), a.path.end(), '/') <
           std::count(b.path.begin(), b.path.end(), '/');
  });
}

void PlanDevices(const std::vector<VolumePlan>& volumes, const kube::Container& c,
                 ContainerPlan* out) {
  for (const kube::VolumeDevice& d : c.volume_devices) {
    out->devices.push_back({d.name, CleanPath("/" + d.device_path)});
    auto v = std::find_if(volumes.begin(), volumes.end(),
                          [&](const VolumePlan& p) { return p.name == d.name; });
    if (v == volumes.end() || v->block_bytes == 0) {
      Block(&out->blocked, StrCat("volume ", d.name, kFilesystemMode, "volumeDevices"));
    }
    if (out->privileged && out->devices.back().path.starts_with("/dev/")) {
      Block(&out->blocked, StrCat("devicePath ", Quote(d.device_path),
                                  ": the /dev of a privileged container is the machine's own"));
    }
  }
}

VolumePlan PlanVolume(const kube::Pod& pod, const kube::Volume& v, const Lookups& lookups,
                      Blocked* blocked) {
  VolumePlan out;
  out.name = v.name;
  if (v.host_path) {
    out.kind = VolumePlan::Kind::kHostPath;
    out.source = v.host_path->path;
    out.host_path_type = v.host_path->type;
  } else if (v.config_map || v.secret) {
    out.kind = v.config_map ? VolumePlan::Kind::kConfigMap : VolumePlan::Kind::kSecret;
    out.keyed = v.config_map ? *v.config_map : *v.secret;
    out.source = out.keyed.name;
    CheckObject(out.keyed, v.secret.has_value(), lookups, blocked);
  } else if (v.claim) {
    out.kind = VolumePlan::Kind::kClaim;
    out.source = v.claim->claim_name;
    out.read_only = v.claim->read_only;
    std::optional<kube::ClaimSpec> claim = lookups.claim(out.source);
    if (!claim) Missing("persistentvolumeclaim", out.source, blocked);
    if (claim) out.block_bytes = BlockBytes(*claim);
  } else if (v.downward) {
    out.kind = VolumePlan::Kind::kDownward;
    out.projections = {{{}, {}, DownwardFiles(pod, *v.downward, lookups, blocked), {}}};
  } else if (v.projected) {
    out.kind = VolumePlan::Kind::kProjected;
    for (const kube::ProjectedSource& source : v.projected->sources) {
      out.projections.push_back(PlanProjection(pod, source, lookups, blocked));
    }
  } else if (v.image) {
    PlanImage(pod, *v.image, lookups, &out);
  } else if (v.ephemeral) {
    out.kind = VolumePlan::Kind::kEphemeral;
    // As a cluster would name the claim that it makes; one of that name is somebody else's.
    std::string claim = StrCat(pod.metadata.name, "-", v.name);
    out.block_bytes = BlockBytes(*v.ephemeral);
    if (lookups.claim(claim)) {
      Block(blocked, StrCat("PVC ", pod.metadata.ns, "/", claim, " was not created for pod ",
                            pod.metadata.ns, "/", pod.metadata.name, " (pod is not owner)"));
    }
  } else if (v.empty_dir) {
    const std::string& medium = v.empty_dir->medium;
    if (!medium.empty()) out.kind = VolumePlan::Kind::kMemory;
    if (medium.starts_with("HugePages")) out.huge_page_bytes = HugePageBytes(medium, pod.spec);
    if (v.empty_dir->size_limit) {
      out.size_limit = v.empty_dir->size_limit->Value();
      out.size_limit_text = v.empty_dir->size_limit->text;
    }
  }
  return out;
}

}  // namespace kpod::pods
