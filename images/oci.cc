#include "images/oci.h"

#include <sys/utsname.h>

#include "base/text.h"
#include "images/catalog.h"
#include "images/images.h"

namespace kpod::images {

namespace {

constexpr std::string_view kSha256 = "sha256:";

// A member's name may not leave the archive's directory.
Result<std::string> MemberPath(const std::string& path) {
  std::string clean = CleanPath(path);
  if (path.empty() || path.front() == '/' || clean == ".." || clean.starts_with("../")) {
    return Error(StrCat("it names the file ", Quote(path), " outside of the archive"));
  }
  return clean;
}

Result<Blob> BlobFrom(const Json& descriptor, BlobPlace place) {
  Blob blob;
  blob.digest = StringAt(descriptor, "digest");
  blob.path = TRY(BlobPath(blob.digest, place));
  blob.size = IntAt(descriptor, "size", -1);
  return blob;
}

}  // namespace

Result<std::string> BlobPath(const std::string& digest, BlobPlace place) {
  if (!digest.starts_with(kSha256) || !IsImageId(digest.substr(kSha256.size()))) {
    return Error(StrCat(Quote(digest.substr(0, 100)), " is no sha256 digest"));
  }
  std::string hex = digest.substr(kSha256.size());
  return place == BlobPlace::kFlat ? hex : "blobs/sha256/" + hex;
}

Result<std::vector<ImageSource>> ParseDockerManifest(const Json& manifest) {
  if (!manifest.is_array()) return Error("manifest.json is no list of images");
  if (manifest.empty()) return Error("manifest.json lists no image");
  if (manifest.size() > kMaxImages) {
    return Error(StrCat("manifest.json lists more than ", kMaxImages, " images"));
  }
  std::vector<ImageSource> images;
  for (const Json& entry : manifest) {
    ImageSource image;
    image.config.path = TRY(MemberPath(StringAt(entry, "Config")).Context("manifest.json"));
    // "<id>.json" or "blobs/sha256/<id>": the name is the digest.
    std::string stem = Basename(image.config.path);
    if (stem.ends_with(".json")) stem.resize(stem.size() - 5);
    if (IsImageId(stem)) image.config.digest = StrCat(kSha256, stem);
    for (const std::string& layer : StringsAt(entry, "Layers")) {
      Blob blob;
      blob.path = TRY(MemberPath(layer).Context("manifest.json"));
      if (blob.path.starts_with("blobs/sha256/")) {
        blob.digest = StrCat(kSha256, Basename(blob.path));
      }
      image.layers.push_back(std::move(blob));
    }
    if (image.layers.size() > kMaxLayers) {
      return Error(StrCat("an image of more than ", kMaxLayers, " layers cannot be mounted"));
    }
    for (const std::string& tag : StringsAt(entry, "RepoTags")) {
      image.names.push_back(TRY(ParseReference(tag)).ToString());
    }
    images.push_back(std::move(image));
  }
  return images;
}

Result<ImageSource> ParseManifest(const Json& manifest, BlobPlace place) {
  if (IntAt(manifest, "schemaVersion") == 1) {
    return Error("its manifest is of docker's schema 1, which registries gave up");
  }
  ImageSource image;
  if (!At(manifest, "config").is_object() || !At(manifest, "layers").is_array()) {
    return Error("its manifest has no config and layers");
  }
  image.config = TRY(BlobFrom(At(manifest, "config"), place).Context("config"));
  for (const Json& layer : At(manifest, "layers")) {
    image.layers.push_back(TRY(BlobFrom(layer, place).Context("layer")));
  }
  if (image.layers.size() > kMaxLayers) {
    return Error(StrCat("an image of more than ", kMaxLayers, " layers cannot be mounted"));
  }
  return image;
}

bool Descriptor::IsIndex() const {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool IsIndex(const Json& document) { return At(document, "manifests").is_array(); }

std::string NameFromAnnotation(const std::string& ref_name) {
  if (ref_name.find_first_of("/:") == std::string::npos) {
    bool tag =
        ref_name.empty() || ref_name == "latest" || (ref_name[0] >= '0' && ref_name[0] <= '9');
    if (tag) return "";
  }
  Result<Reference> reference = ParseReference(ref_name);
  return reference ? reference->ToString() : "";
}

Result<std::vector<Descriptor>> ParseIndex(const Json& index, BlobPlace place) {
  const Json& manifests = At(index, "manifests");
  if (!manifests.is_array()) return Error("its index has no manifests");
  if (manifests.size() > kMaxImages) {
    return Error(StrCat("its index lists more than ", kMaxImages, " manifests"));
  }
  std::vector<Descriptor> out;
  for (const Json& entry : manifests) {
    Descriptor d;
    d.blob = TRY(BlobFrom(entry, place).Context("index"));
    d.media_type = StringAt(entry, "mediaType");
    const Json& platform = At(entry, "platform");
    d.architecture = StringAt(platform, "architecture");
    d.os = StringAt(platform, "os");
    const Json& annotations = At(entry, "annotations");
    d.name = NameFromAnnotation(StringAt(annotations, "io.containerd.image.name"));
    if (d.name.empty()) {
      d.name = NameFromAnnotation(StringAt(annotations, "org.opencontainers.image.ref.name"));
    }
    // Attestations of buildkit stand in the index as images of the platform "unknown".
    if (!StringAt(annotations, "vnd.docker.reference.type").empty() || d.os == "unknown") continue;
    out.push_back(std::move(d));
  }
  return out;
}

Result<Descriptor> ChoosePlatform(const std::vector<Descriptor>& entries,
                                  const std::string& architecture) {
  std::vector<std::string> others;
  for (const Descriptor& d : entries) {
    if (d.os == "linux" && d.architecture == architecture) return d;
    others.push_back(StrCat(d.os, "/", d.architecture));
  }
  if (entries.size() == 1 && entries[0].architecture.empty()) return entries[0];
  return Error(StrCat("it has no image for linux/", architecture,
                      others.empty() ? "" : ", only for ", Join(others, ", ")));
}

std::string ThisArchitecture() {
  utsname name{};
  if (::uname(&name) < 0) return "";
  std::string machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine == "i686" || machine == "i386") return "386";
  if (machine.starts_with("arm")) return "arm";
  return machine;  // riscv64, ppc64le, s390x are the same in Go
}

Result<std::vector<std::string>> DiffIds(const Json& config) {
  const Json& ids = At(At(config, "rootfs"), "diff_ids");
  if (!ids.is_array()) return Error("its configuration has no rootfs.diff_ids");
  if (ids.size() > kMaxLayers) {
    return Error(StrCat("an image of more than ", kMaxLayers, " layers cannot be mounted"));
  }
  std::vector<std::string> out;
  for (const Json& id : ids) {
    std::string text = id.is_string() ? id.get<std::string>() : "";
    TRY(BlobPath(text, BlobPlace::kFlat).Context("rootfs.diff_ids"));
    out.push_back(text.substr(kSha256.size()));
  }
  return out;
}

}  // namespace kpod::images
