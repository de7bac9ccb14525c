// Bringing images into the store: what load, import and pull share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "images/catalog.h"
#include "images/helper/bundle.h"
#include "images/helper/unpack.h"

namespace kpod::images {

using Report = std::function<void(const std::string& what, uint64_t done, uint64_t total)>;

struct Taken {
  std::string id, name;
};

// Work in progress: a temporary directory, and the promise that no layer is swept meanwhile.
class Intake {
 public:
  static Result<Intake> Begin(const store::Paths& paths, Report report);
  const std::string& temp() const { return temp_.path(); }
  const Layout& layout() const { return layout_; }

  Result<std::vector<Taken>> Take(const Bundle& bundle, const std::vector<std::string>& names);
  // A layer's stream becomes layers/<diff id>; `want_*` empty: not checked.
  Result<Unpacked> TakeLayer(Stream& stream, const std::string& want_diff_id,
                             const std::string& want_digest, const std::string& what,
                             uint64_t total);
  // Writes the configuration, the record and the names. Returns the image's ID.
  Result<std::string> Commit(const std::string& config_text, const std::string& manifest_digest,
                             const std::vector<std::string>& names);

 private:
  Intake(Layout layout, TempDir temp, FileLock users, Report report)
      : layout_(std::move(layout)),
        temp_(std::move(temp)),
        users_(std::move(users)),
        report_(std::move(report)) {}
  Result<std::string> TakeImage(const Bundle& bundle, const ImageSource& source);

  Layout layout_;
  TempDir temp_;
  FileLock users_;
  Report report_;
};

}  // namespace kpod::images
