// Files between this machine and running containers, or between two containers. Each end is a child
// of its own, a container's among its files (runtime/among_files.h), and what passes between them
// is a tar stream. Nothing is needed in the image.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "pods/status.h"
#include "pods/tree_pack.h"
#include "store/paths.h"

namespace kpod::pods {

struct CopyEnd {
  std::optional<PodRecord> pod;  // none: this machine
  std::string container;         // "": the default container
  // A container's: from its working directory on when it is not absolute. This machine's "-": tar
  // on standard input or output.
  std::string path;
};

struct CopyRequest {
  CopyEnd from, to;
  bool archive = true;     // files in a container become its user's, else keep owner and group
  bool overwrite = false;  // directories by what is none, and the reverse
};

Result<CopyNotes> Copy(const store::Paths& paths, const CopyRequest& request);

// How a source path names what comes: "a/b" -> "b"; "a/b/.", ".", ".." and "/" -> ".", which means
// what the directory holds.
std::string CopyName(const std::string& path);

}  // namespace kpod::pods
