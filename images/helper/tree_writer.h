// Writes a layer's files below one directory, as a tree that overlay can mount. Every path is
// resolved inside that directory by openat2(RESOLVE_IN_ROOT): neither "..", nor an absolute name,
// nor a symlink which the layer itself brought leads out (CVE-2018-15664 and its kin). What the
// entries mean: OCI image-spec layer.md.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "images/helper/room.h"

namespace kpod::images {

struct TreeEntry {
  enum class Kind { kFile, kDir, kSymlink, kHardlink, kChar, kBlock, kFifo };
  std::string path;
  Kind kind = Kind::kFile;
  mode_t mode = 0;  // permission bits with setuid, setgid and sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec mtime{};
  std::string link;  // of kSymlink: as is; of kHardlink: the path of the other
  dev_t device = 0;
  int64_t size = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

// "a/../b/./c" -> {"b","c"}; an error when it climbs above the root, is too long or too deep.
Result<std::vector<std::string>> SafeComponents(const std::string& path);

class TreeWriter {
 public:
  explicit TreeWriter(Fd root);
  // Makes the entry. When it is a file, WriteData and EndFile follow.
  Status Make(const TreeEntry& entry);
  Status WriteData(int64_t offset, std::string_view bytes);
  Status EndFile();
  // Modes and times of directories, which making their children would change.
  Status Finish();

  bool in_file() const { return file_.valid(); }  // between Make and EndFile
  uint64_t bytes() const { return bytes_; }
  uint64_t entries() const { return entries_; }

 private:
  struct DirTimes {
    std::string path;
    mode_t mode;
    timespec mtime;
  };
  Result<int> Parent(const std::vector<std::string>& components);
  Result<Fd> OpenParent(const std::vector<std::string>& components);
  Status Whiteout(int parent, const std::string& name);
  Status MakeDirectory(int parent, const std::string& name, const TreeEntry& entry);
  Status MakeNode(int parent, const std::string& name, const TreeEntry& entry);
  Status Hardlink(int parent, const std::string& name, const TreeEntry& entry);
  Status Clear(int parent, const std::string& name);
  Status Owner(int parent, const std::string& name, const TreeEntry& entry);

  Fd root_;
  bool privileged_;
  std::string parent_path_;
  Fd parent_;  // of parent_path_: most entries follow their siblings
  std::vector<DirTimes> directories_;
  Fd file_;
  TreeEntry file_entry_;
  uint64_t bytes_ = 0, entries_ = 0;
  Room room_;
};

}  // namespace kpod::images
