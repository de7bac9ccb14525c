// A reference -> a root filesystem. Content addressed: layers are unpacked once, by diff ID, and
// shared read-only by every container. Unpacking and transport run in kpod-helper (libarchive,
// libcurl) and in skopeo, so that kpod itself starts in a millisecond.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/paths.h"

namespace kpod::images {

// "nginx" -> "docker.io/library/nginx:latest"; keeps a digest; refuses what is no reference with
// one sentence. Source: distribution/reference grammar.
struct Reference {
  std::string domain, path, tag, digest;
  std::string ToString() const;  // full: docker.io/library/nginx:latest
  std::string Familiar() const;  // short: nginx:latest
};
Result<Reference> ParseReference(std::string_view text);

struct Image {
  std::string id;                  // sha256 of the configuration, hex without prefix
  std::string digest;              // "sha256:..." of the manifest, "" when unknown
  std::vector<std::string> names;  // full references
  int64_t created_nanos = 0;
  uint64_t size = 0;                // bytes on disk of all its layers
  std::vector<std::string> layers;  // directories, top layer first: an overlay's lowerdir order
  Json config;  // the OCI image configuration, whole ("config", "history", "rootfs" ...)
  std::string architecture, os;

  // Of config.config: what a container inherits.
  std::vector<std::string> Entrypoint() const, Cmd() const, Env() const;
  std::string User() const, WorkingDir() const, StopSignal() const;
  std::vector<std::string> Volumes() const;
};

// Called on long work; null is allowed. `total` 0: unknown.
using Progress = std::function<void(const std::string& what, uint64_t done, uint64_t total)>;

class ImageStore {
 public:
  explicit ImageStore(store::Paths paths) : paths_(std::move(paths)) {}

  Result<Image> Find(std::string_view reference_or_id) const;  // error code() ENOENT when absent
  // Without its names, each of which is a file to read: for who will run it.
  Result<Image> FindToRun(std::string_view reference_or_id) const;
  Result<std::vector<Image>> List() const;
  Result<Image> Tag(std::string_view source, std::string_view name) const;
  // Removes a name; the last name removes the image and layers that no other image has. `in_use`
  // holds image ids that must stay (refused unless force, as podman rmi).
  Result<std::vector<std::string>> Remove(std::string_view reference_or_id,
                                          const std::vector<std::string>& in_use, bool force) const;
  // docker-archive, oci-archive, OCI directory or docker-archive directory; compressed or not; "-"
  // standard input.
  Result<std::vector<Image>> Load(const std::string& path, const Progress& progress) const;
  struct ImportOptions {
    std::string name;                  // reference, may be empty
    std::vector<std::string> changes;  // Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE,
                                       // LABEL, USER, VOLUME, WORKDIR, STOPSIGNAL
    std::string message;
  };
  Result<Image> Import(const std::string& tar_path, const ImportOptions& options,
                       const Progress& progress) const;
  struct PullOptions {
    std::string authfile;
    bool tls_verify = true;
    bool quiet = false;
  };
  // Any transport of skopeo: "nginx", "docker://...", "oci:...", "containers-storage:...",
  // "docker-daemon:...".
  Result<Image> Pull(const std::string& source, const PullOptions& options,
                     const Progress& progress) const;
  // Drops layers and temp directories that no image names (after a crash, or by prune). Returns
  // bytes freed.
  Result<uint64_t> CollectGarbage() const;
  Result<std::vector<std::string>> PruneDangling(const std::vector<std::string>& in_use,
                                                 bool all) const;

 private:
  store::Paths paths_;
};

// A file of the image as its layers stack (whiteouts honoured, symlinks resolved inside the image,
// never outside): /etc/passwd for a user's name. "" when absent.
std::string ReadImageFile(const std::vector<std::string>& layers, const std::string& path);

// A directory that an overlay may have below all layers of an image: what containers have mounted
// in places that images seldom bring (/proc, /sys, /dev, /etc/hosts ...). Made at the first call.
Result<std::string> MountPointLayer(const store::Paths& paths);

// Path of kpod-helper: beside the running program, or $KPOD_HELPER, or LIBEXECDIR.
std::string HelperPath();

}  // namespace kpod::images
