// Manifests and indexes as data: what an archive or a directory says it holds. Pure; everything
// read here is hostile. OCI image-spec manifest.md, image-index.md, image-layout.md; docker's image
// v1.2.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::images {

constexpr size_t kMaxLayers = 500;  // OVL_MAX_STACK of the kernel
constexpr size_t kMaxImages = 1000;

struct Blob {
  std::string path;    // inside the archive or directory
  std::string digest;  // "sha256:<hex>", "" when the form does not tell it
  int64_t size = -1;
};

// One image of an archive, before anything of it is unpacked.
struct ImageSource {
  Blob config;
  std::vector<Blob> layers;        // bottom first
  std::vector<std::string> names;  // full references
  std::string digest;              // of the manifest
};

// docker save's manifest.json: an array.
Result<std::vector<ImageSource>> ParseDockerManifest(const Json& manifest);

// Where the blob of a digest lies: "blobs/sha256/<hex>" in an OCI layout, "<hex>" in skopeo's dir:.
enum class BlobPlace { kOciLayout, kFlat };
Result<std::string> BlobPath(const std::string& digest, BlobPlace place);
// An OCI manifest or docker's schema 2.
Result<ImageSource> ParseManifest(const Json& manifest, BlobPlace place);

struct Descriptor {
  Blob blob;
  std::string media_type, name, architecture, os;  // name: full reference or ""
  bool IsIndex() const;
};
bool IsIndex(const Json& document);
Result<std::vector<Descriptor>> ParseIndex(const Json& index, BlobPlace place);
// Of the entries of a multi-platform index, the one for this machine.
Result<Descriptor> ChoosePlatform(const std::vector<Descriptor>& entries,
                                  const std::string& architecture);
// The full reference that an annotation means, or "" ("1.25" alone is a tag of nothing).
std::string NameFromAnnotation(const std::string& ref_name);

std::string ThisArchitecture();  // as Go names it: amd64, arm64, ...

// The diff IDs (hex, bottom first) of an image configuration.
Result<std::vector<std::string>> DiffIds(const Json& config);

}  // namespace kpod::images
