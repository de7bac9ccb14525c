// The image store on disk: where its files are and how one record is read and written. Shared by
// kpod, which reads, and kpod-helper, which adds. docs/state-on-disk-images.md describes the files.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "images/images.h"

namespace kpod::images {

struct Layout {
  explicit Layout(const store::Paths& paths)
      : root(paths.Images()),
        writers(paths.Locks() + "/images"),
        users(paths.Locks() + "/image-layers") {}

  std::string root;
  // Held exclusively while names and records change.
  std::string writers;
  // Held shared while layers are about to be named by a record; whoever removes layers needs it
  // exclusively.
  std::string users;

  std::string Names() const { return root + "/names"; }
  std::string NameFile(const std::string& full_name) const;
  std::string Records() const { return root + "/records"; }
  std::string RecordFile(const std::string& id) const { return Records() + "/" + id + ".json"; }
  std::string Configs() const { return root + "/configs"; }
  std::string ConfigFile(const std::string& id) const { return Configs() + "/" + id; }
  std::string Layers() const { return root + "/layers"; }
  std::string LayerDir(const std::string& hex) const { return Layers() + "/" + hex; }
  std::string LayerTree(const std::string& hex) const { return LayerDir(hex) + "/diff"; }
  std::string LayerInfo(const std::string& hex) const { return LayerDir(hex) + "/layer.json"; }
  std::string MountPoints() const { return root + "/mount-points"; }
  std::string Temp() const { return root + "/tmp"; }
  Status MakeAll() const;
};

// The writers' lock; what a writer that was killed left half-written is cleared away.
Result<FileLock> LockWriters(const Layout& layout);

// names/<name>: the truth about which image a name means.
struct NameEntry {
  std::string name, id, digest;
};
Result<NameEntry> ReadName(const Layout& layout, const std::string& full_name);
// records/<id>.json. `names` is a hint: each counts only while its name file says so too.
struct Record {
  std::string id, digest;
  int64_t created_nanos = 0;
  uint64_t size = 0;
  std::vector<std::string> diff_ids;  // hex, bottom layer first, as the configuration has them
  std::vector<std::string> names;
  Json config;
};
Json ToJson(const Record& record);
Result<Record> RecordFrom(const Json& json, const std::string& id);
Result<Record> ReadRecord(const Layout& layout, const std::string& id);
Status WriteRecord(const Layout& layout, const Record& record);

// Layers top first, each once: overlay refuses the same directory twice, and what a layer holds is
// decided by its topmost occurrence.
std::vector<std::string> OverlayOrder(const std::vector<std::string>& diff_ids);
Image ToImage(const Layout& layout, Record record, bool with_names = true);

// The IDs of the records, whole or damaged.
Result<std::vector<std::string>> RecordIds(const Layout& layout);
// Gives `record` one more name; the writers' lock must be held.
Status AddName(const Layout& layout, Record& record, const std::string& full_name,
               const std::string& digest);
// The names that mean this image now.
std::vector<std::string> CurrentNames(const Layout& layout, const Record& record);

bool IsImageId(std::string_view s);  // 64 hexadecimal digits

// A directory below tmp/ with a flock on it: it is garbage when the lock is free.
class TempDir {
 public:
  static Result<TempDir> Make(const Layout& layout);
  TempDir(TempDir&&) = default;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  TempDir(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;
};
// Removes what ended processes left in tmp/; returns the bytes.
uint64_t SweepTemp(const Layout& layout);
// Removes layers that no record names, unless somebody is loading; returns the bytes.
Result<uint64_t> SweepLayers(const Layout& layout);

}  // namespace kpod::images
