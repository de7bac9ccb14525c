#include "images/helper/download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"

namespace kpod::images {

namespace {

constexpr int kSoonMillis = 3;  // until skopeo has emptied its directory and written its version
constexpr int kTickMillis = 150;

uint64_t BytesIn(const std::string& dir) {
  uint64_t bytes = 0;
  for (const std::string& name : ListDir(dir).value_or({})) {
    struct stat st;
    if (::stat((dir + "/" + name).c_str(), &st) == 0) bytes += static_cast<uint64_t>(st.st_size);
  }
  return bytes;
}

// Digests of the blobs that the store's layers came from.
std::set<std::string> StoredBlobs(const Layout& layout) {
  std::set<std::string> out;
  for (const std::string& hex : ListDir(layout.Layers()).value_or({})) {
    Result<Json> info = ReadJsonFile(layout.LayerInfo(hex));
    if (info) out.insert("sha256:" + StringAt(*info, "blob"));
  }
  return out;
}

}  // namespace

Download::Download(Intake& intake, std::string dir, std::vector<Blob> layers, Report report)
    : intake_(intake),
      dir_(std::move(dir)),
      layers_(std::move(layers)),
      report_(std::move(report)) {
  for (const Blob& layer : layers_) {
    total_ += layer.size > 0 ? static_cast<uint64_t>(layer.size) : 0;
  }
}

Result<int> Download::Look() {
  if (!marked_) {
    if (layers_.empty() || !Exists(dir_ + "/version")) return kSoonMillis;
    PutMarks();
  }
  report_("download", BytesIn(dir_), total_);
  TRY(TakeFinished());
  return kTickMillis;
}

void Download::PutMarks() {
  marked_ = true;
  std::set<std::string> stored = StoredBlobs(intake_.layout());
  for (const Blob& layer : layers_) {
    if (layer.size <= 0 || stored.count(layer.digest) == 0) continue;
    Result<Fd> file = Open(StrCat(dir_, "/", layer.path), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file && ::ftruncate(file->get(), layer.size) == 0) done_.insert(layer.digest);
  }
}

Status Download::TakeFinished() {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Blob& layer = layers_[i];
    std::string path = StrCat(dir_, "/", layer.path);
    // skopeo renames a blob to its digest once it is whole and verified.
    if (done_.count(layer.digest) != 0 || !Exists(path)) continue;
    FileStream stream(TRY(Open(path, O_RDONLY | O_NOFOLLOW)));
    std::string what = StrCat("layer ", i + 1, "/", layers_.size());
    TRY(intake_.TakeLayer(stream, "", layer.digest, what, static_cast<uint64_t>(layer.size))
            .Context(what));
    done_.insert(layer.digest);
  }
  return OkStatus();
}

}  // namespace kpod::images
