// Load, import and pull: the work is the helper's, the images are found here afterwards.
#include "base/files.h"
#include "base/text.h"
#include "images/helper_client.h"
#include "images/images.h"

namespace kpod::images {

namespace {

std::vector<std::string> Call(const char* what, const store::Paths& paths) {
  return {what, "--root=" + paths.root, "--run=" + paths.run};
}

// The helper's result: [{"id":...,"name":...}]
Result<std::vector<Image>> FindAll(const ImageStore& store, const Json& result) {
  std::vector<Image> images;
  if (!result.is_array()) return Error("kpod-helper: it answered no list of images");
  for (const Json& one : result) {
    std::string name = StringAt(one, "name");
    images.push_back(TRY(store.Find(name.empty() ? StringAt(one, "id") : name)));
  }
  return images;
}

Result<Image> FindOne(const ImageStore& store, const Json& result) {
  std::vector<Image> images = TRY(FindAll(store, result));
  if (images.size() != 1) return Error("kpod-helper: it answered no image");
  return std::move(images.front());
}

}  // namespace

Result<std::vector<Image>> ImageStore::Load(const std::string& path,
                                            const Progress& progress) const {
  std::vector<std::string> call = Call("load", paths_);
  call.push_back("--");
  call.push_back(path);
  return FindAll(*this, TRY(CallHelper(call, path == "-", progress)));
}

Result<Image> ImageStore::Import(const std::string& tar_path, const ImportOptions& options,
                                 const Progress& progress) const {
  std::vector<std::string> call = Call("import", paths_);
  call.push_back("--name=" + options.name);
  call.push_back("--message=" + options.message);
  for (const std::string& change : options.changes) call.push_back("--change=" + change);
  call.push_back("--");
  call.push_back(tar_path);
  return FindOne(*this, TRY(CallHelper(call, tar_path == "-", progress)));
}

Result<Image> ImageStore::Pull(const std::string& source, const PullOptions& options,
                               const Progress& progress) const {
  std::vector<std::string> call = Call("pull", paths_);
  if (!options.authfile.empty()) call.push_back("--authfile=" + options.authfile);
  if (!options.tls_verify) call.push_back("--tls-verify=false");
  call.push_back("--");
  call.push_back(source);
  return FindOne(*this, TRY(CallHelper(call, false, options.quiet ? Progress() : progress)));
}

}  // namespace kpod::images
