// What nobody names: half-done work of ended processes, and layers without an image. Everything is
// first renamed into tmp/, so that a layer is there whole or not at all.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "base/text.h"
#include "images/catalog.h"

namespace kpod::images {

namespace {

std::string TempName() {
  static std::atomic<unsigned> counter{0};
  return StrCat(::getpid(), "-", counter++);
}

uint64_t LayerSize(const std::string& dir) {
  Result<Json> info = ReadJsonFile(dir + "/layer.json");
  return info ? static_cast<uint64_t>(IntAt(*info, "size")) : 0;
}

// The lock of a directory in tmp/, or nothing when its maker lives.
Result<Fd> LockDir(const std::string& path, int operation) {
  Fd fd = TRY(Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::flock(fd.get(), operation | LOCK_NB) < 0) return Error::Errno("lock " + path);
  struct stat st;
  // Somebody may have removed it between open and flock.
  if (::fstat(fd.get(), &st) < 0 || st.st_nlink == 0) return Error::Errno(path, ENOENT);
  return fd;
}

}  // namespace

Result<TempDir> TempDir::Make(const Layout& layout) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string path = StrCat(layout.Temp(), "/", TempName());
    if (::mkdir(path.c_str(), 0700) < 0) {
      if (errno == EEXIST) continue;
      return Error::Errno("mkdir " + path);
    }
    Result<Fd> lock = LockDir(path, LOCK_EX);
    if (lock) return TempDir(path, std::move(*lock));
  }
  return Error("no temporary directory can be made in " + layout.Temp());
}

TempDir::~TempDir() {
  if (lock_) (void)RemoveAll(path_);
}

uint64_t SweepTemp(const Layout& layout) {
  uint64_t freed = 0;
  for (const std::string& name : ListDir(layout.Temp()).value_or({})) {
    std::string path = StrCat(layout.Temp(), "/", name);
    Result<Fd> lock = LockDir(path, LOCK_EX);
    if (!lock && (lock.error().code() == EWOULDBLOCK || lock.error().code() == ENOENT)) continue;
    uint64_t size = LayerSize(path + "/layer");
    if (RemoveAll(path)) freed += size;
  }
  return freed;
}

Result<uint64_t> SweepLayers(const Layout& layout) {
  Result<FileLock> users = FileLock::TryAcquire(layout.users);
  if (!users) {
    // Somebody loads, and may be about to name a layer: the next sweep is soon enough.
    if (users.error().code() == EWOULDBLOCK) return uint64_t{0};
    return users.error();
  }
  std::set<std::string> wanted, images;
  for (const std::string& id : TRY(RecordIds(layout))) {
    Result<Record> record = ReadRecord(layout, id);
    // A record that cannot be read might name any layer: nothing is removed then.
    if (!record) return uint64_t{0};
    images.insert(id);
    wanted.insert(record->diff_ids.begin(), record->diff_ids.end());
  }
  uint64_t freed = 0;
  for (const std::string& hex : TRY(ListDir(layout.Layers()))) {
    if (wanted.count(hex) != 0) continue;
    TempDir grave = TRY(TempDir::Make(layout));
    uint64_t size = LayerSize(layout.LayerDir(hex));
    if (::rename(layout.LayerDir(hex).c_str(), (grave.path() + "/layer").c_str()) == 0) {
      freed += size;
    }
  }
  for (const std::string& id : TRY(ListDir(layout.Configs()))) {
    if (images.count(id) == 0) ::unlink(layout.ConfigFile(id).c_str());
  }
  return freed;
}

}  // namespace kpod::images
