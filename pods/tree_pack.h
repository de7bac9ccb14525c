// A file or a directory -> a tar stream, as it lies below a path of the caller's world (which may
// be a container's: runtime/among_files.h). The tree may change while it is read, on purpose:
// whatever is opened is looked at again by its descriptor, links below the path are never followed,
// and a file has as many bytes in the stream as its header says.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace kpod::pods {

// What a copy did not do, for people; at most a few.
using CopyNotes = std::vector<std::string>;
void AddNote(CopyNotes* notes, const std::string& note);

struct PackOptions {
  std::string path;        // a link at its end is followed
  std::string name;        // what the path is called in the stream: ".", or the names begin with it
  bool own_links = false;  // the path may go through /proc/self/fd and its like
};

// Returns when all is written to `fd`. Code EPIPE: the reader is gone.
Result<CopyNotes> PackTree(int fd, const PackOptions& options);

}  // namespace kpod::pods
