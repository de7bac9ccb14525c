// Volumes, and what mounts them.
#include <algorithm>

#include "base/text.h"
#include "kube/decode.h"
#include "kube/rules_check.h"
#include "kube/rules_names.h"

namespace kpod::kube::rules {
namespace {

constexpr int64_t kMaxMode = 0777;
constexpr std::string_view kDownwardVolumeFields =
    "metadata.annotations|metadata.labels|metadata.name|metadata.namespace|metadata.uid";

// What a source cannot do without.
struct SourceRule {
  const char* path;  // below the volume
  const char* field;
};
constexpr SourceRule kNeeded[] = {
    {"hostPath", "path"},
    {"configMap", "name"},
    {"secret", "secretName"},
    {"persistentVolumeClaim", "claimName"},
    {"nfs", "server"},
    {"nfs", "path"},
    {"iscsi", "targetPortal"},
    {"iscsi", "iqn"},
    {"csi", "driver"},
    {"awsElasticBlockStore", "volumeID"},
    {"gcePersistentDisk", "pdName"},
    {"azureDisk", "diskName"},
    {"azureDisk", "diskURI"},
    {"azureFile", "secretName"},
    {"azureFile", "shareName"},
    {"cephfs", "monitors"},
    {"rbd", "monitors"},
    {"rbd", "image"},
    {"cinder", "volumeID"},
    {"glusterfs", "endpoints"},
    {"glusterfs", "path"},
    {"flexVolume", "driver"},
    {"portworxVolume", "volumeID"},
    {"gitRepo", "repository"},
    {"quobyte", "registry"},
    {"quobyte", "volume"},
    {"vsphereVolume", "volumePath"},
};

void CheckMode(const Field& mode) {
  if (mode.Int() && (*mode.Int() < 0 || *mode.Int() > kMaxMode)) {
    mode.Invalid("must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void CheckItemPath(const Field& path) {
  if (path.Text().empty()) {
    path.Required();
  } else {
    CheckText(path, IsRelativeUnreservedPath);
  }
}

void CheckKeyItems(const Field& source) {
  CheckMode(source["defaultMode"]);
  for (const Field& item : source["items"].Items()) {
    if (item["key"].Text().empty()) item["key"].Required();
    CheckItemPath(item["path"]);
    CheckMode(item["mode"]);
  }
}

void CheckDownwardItems(const Field& source) {
  CheckMode(source["defaultMode"]);
  for (const Field& item : source["items"].Items()) {
    CheckItemPath(item["path"]);
    CheckMode(item["mode"]);
    Field field = item["fieldRef"];
    Field resource = item["resourceFieldRef"];
    if (field.present() && resource.present()) {
      item.InvalidText("resource",
                       "fieldRef and resourceFieldRef can not be specified simultaneously");
    } else if (!field.present() && !resource.present()) {
      item.Required("one of fieldRef and resourceFieldRef is required");
    }
    CheckDownwardFieldRef(field, kDownwardVolumeFields);
    CheckResourceFieldRef(resource);
    if (resource.present() && resource["containerName"].Text().empty()) {
      resource["containerName"].Required();
    }
  }
}

void CheckProjected(const Field& projected) {
  if (!projected.present()) return;
  CheckMode(projected["defaultMode"]);
  for (const Field& source : projected["sources"].Items()) {
    int kinds = 0;
    for (const auto& [kind, value] : source.Members()) {
      if (value.present() && ++kinds > 1) {
        source[kind].Forbidden("may not specify more than 1 volume type");
      }
    }
    for (const char* kind : {"configMap", "secret"}) {
      if (!source[kind].present()) continue;
      if (source[kind]["name"].Text().empty()) source[kind]["name"].Required();
      CheckKeyItems(source[kind]);
    }
    CheckDownwardItems(source["downwardAPI"]);
    if (Field token = source["serviceAccountToken"]; token.present()) {
      CheckItemPath(token["path"]);
      if (token["expirationSeconds"].Int(600) < 600) {
        token["expirationSeconds"].Invalid("may not specify a duration less than 10 minutes");
      }
    }
  }
}

void CheckSource(const Field& volume) {
  int sources = 0;
  for (const auto& [key, value] : volume.Members()) {
    if (key == "name" || !value.present()) continue;
    if (++sources > 1) volume[key].Forbidden("may not specify more than 1 volume type");
  }
  for (const SourceRule& rule : kNeeded) {
    Field source = volume[rule.path];
    if (source.present() && source[rule.field].empty()) source[rule.field].Required();
  }
  Field medium = volume["emptyDir.medium"];
  if (!medium.Text().starts_with("HugePages-")) CheckEnum(medium, "HugePages|Memory");
  if (auto limit = CheckQuantity(volume["emptyDir.sizeLimit"]); limit && limit->Sign() < 0) {
    volume["emptyDir.sizeLimit"].Forbidden("SizeLimit field must be a valid resource quantity");
  }
  CheckText(volume["hostPath.path"], HasNoBacksteps);
  CheckEnum(volume["hostPath.type"],
            "BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket");
  if (Field path = volume["nfs.path"]; !path.Text().empty() && !path.Text().starts_with("/")) {
    path.Invalid("must be an absolute path");
  }
  CheckKeyItems(volume["configMap"]);
  CheckKeyItems(volume["secret"]);
  CheckDownwardItems(volume["downwardAPI"]);
  CheckProjected(volume["projected"]);
  if (Field spec = volume["ephemeral.volumeClaimTemplate.spec"]; spec.present()) {
    CheckClaimSpec(spec);
  } else if (volume["ephemeral"].present()) {
    volume["ephemeral.volumeClaimTemplate"].Required();
  }
  CheckEnum(volume["image.pullPolicy"], "Always|IfNotPresent|Never");
}

void CheckPropagation(const Field& mount, bool privileged) {
  Field propagation = mount["mountPropagation"];
  CheckEnum(propagation, "Bidirectional|HostToContainer|None");
  if (propagation.Text() == "Bidirectional" && !privileged) {
    propagation.Forbidden(
        "Bidirectional mount propagation is available only to privileged containers");
  }
  Field recursive = mount["recursiveReadOnly"];
  CheckEnum(recursive, "Disabled|Enabled|IfPossible");
  if (!OneOf(recursive.Text(), "Enabled|IfPossible")) return;
  if (!mount["readOnly"].True()) {
    recursive.Forbidden("may only be specified when readOnly is true");
  }
  if (!propagation.Text().empty() && propagation.Text() != "None") {
    recursive.Forbidden("may only be specified when mountPropagation is None or not specified");
  }
}

// "metadata.labels['app']" -> "metadata.labels"; the key is checked by the caller.
std::string_view WithoutSubscript(std::string_view path, std::string_view* key) {
  size_t open = path.find("['");
  if (open == std::string_view::npos || !path.ends_with("']") || path.size() < open + 4) {
    return path;
  }
  *key = path.substr(open + 2, path.size() - open - 4);
  return path.substr(0, open);
}

}  // namespace

void CheckDownwardFieldRef(const Field& ref, std::string_view supported) {
  if (!ref.present()) return;
  Field path = ref["fieldPath"];
  if (path.Text().empty()) {
    path.Required();
    return;
  }
  std::string_view key;
  std::string_view name = WithoutSubscript(path.Text(), &key);
  if (name.size() != path.Text().size()) {
    if (!OneOf(name, "metadata.annotations|metadata.labels")) {
      path.Invalid("does not support subscript");
    } else if (std::string why = IsQualifiedName(name == "metadata.annotations" ? ToLower(key)
                                                                                : std::string(key));
               !why.empty()) {
      path.InvalidText(key, why);
    }
  } else if (!OneOf(name, supported)) {
    path.NotSupported(supported);
  }
}

void CheckResourceFieldRef(const Field& ref) {
  if (!ref.present()) return;
  Field resource = ref["resource"];
  std::string_view name = resource.Text();
  if (name.empty()) {
    resource.Required();
  } else if (!name.starts_with("limits.hugepages-") && !name.starts_with("requests.hugepages-")) {
    CheckEnum(resource,
              "limits.cpu|limits.ephemeral-storage|limits.memory|requests.cpu|"
              "requests.ephemeral-storage|requests.memory");
  }
  auto divisor = CheckQuantity(ref["divisor"]);
  if (!divisor || divisor->Sign() == 0) return;
  bool cpu = name.ends_with(".cpu");
  std::string_view allowed = cpu ? "1m|1" : "1|1k|1M|1G|1T|1P|1E|1Ki|1Mi|1Gi|1Ti|1Pi|1Ei";
  if (!OneOf(divisor->text, allowed)) {
    ref["divisor"].InvalidText(
        divisor->text, StrCat("only divisor's values ", ReplaceAll(std::string(allowed), "|", ", "),
                              " are supported with the ", cpu ? "cpu" : "memory", " resource"));
  }
}

void CheckVolumes(const Field& volumes, std::vector<std::string>* names) {
  for (const Field& volume : volumes.Items()) {
    Field name = volume["name"];
    if (name.Text().empty()) {
      name.Required();
    } else {
      CheckText(name, IsDns1123Label);
      CheckUnique(name, names);
    }
    CheckSource(volume);
  }
}

void CheckMounts(const Field& container, const PodFacts& facts) {
  auto known = [&facts](std::string_view name) {
    return std::find(facts.volumes.begin(), facts.volumes.end(), name) != facts.volumes.end();
  };
  std::vector<std::string> paths;
  bool privileged = container["securityContext.privileged"].True();
  for (const Field& mount : container["volumeMounts"].Items()) {
    Field name = mount["name"];
    if (name.Text().empty()) {
      name.Required();
    } else if (!known(name.Text())) {
      name.NotFound();
    }
    Field path = mount["mountPath"];
    std::string text(WithoutRelabel(path.Text()));
    if (text.empty()) {
      path.Required();
    } else if (std::find(paths.begin(), paths.end(), text) != paths.end()) {
      path.Invalid("must be unique");
    } else {
      // The API's description forbids it and the API server does not check it.
      if (text.size() != path.Text().size()) {
        path.Warn(
            StrCat(Quote(path.Text().substr(text.size())),
                   " is Podman's word for SELinux; a cluster takes it for a part of the path"));
      }
      if (Contains(text, ":")) path.Warn(StrCat(Quote(text), ": must not contain ':'"));
      paths.push_back(std::move(text));
    }
    CheckText(mount["subPath"], IsRelativePath);
    CheckText(mount["subPathExpr"], IsRelativePath);
    if (!mount["subPath"].empty() && !mount["subPathExpr"].empty()) {
      mount["subPathExpr"].Invalid("subPathExpr and subPath are mutually exclusive");
    }
    CheckPropagation(mount, privileged);
  }
  if (!facts.host_users && !container["volumeDevices"].empty()) {
    // No raw device has owners that could be mapped.
    container["volumeDevices"].Forbidden("when `hostUsers` is false");
  }
  for (const Field& device : container["volumeDevices"].Items()) {
    if (device["name"].Text().empty()) {
      device["name"].Required();
    } else if (!known(device["name"].Text())) {
      device["name"].NotFound();
    }
    if (device["devicePath"].Text().empty()) device["devicePath"].Required();
    CheckText(device["devicePath"], HasNoBacksteps);
  }
}

}  // namespace kpod::kube::rules
