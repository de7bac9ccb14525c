// What skopeo puts into its directory, looked at while it works: a layer that is whole is unpacked
// at once, and kept even if the pull ends there, so that the next one goes on from it. Layers which
// the store has are not fetched again: skopeo leaves alone what lies in the directory by its
// digest, so an empty file of the right size is put there. Nothing trusts that file: a layer is
// taken from the store by the digest of its content, which the configuration names.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "images/helper/intake.h"

namespace kpod::images {

class Download {
 public:
  Download(Intake& intake, std::string dir, std::vector<Blob> layers, Report report);

  // Called again after so many milliseconds.
  Result<int> Look();

 private:
  void PutMarks();
  Status TakeFinished();

  Intake& intake_;
  std::string dir_;
  std::vector<Blob> layers_;
  Report report_;
  std::set<std::string> done_;  // digests of layers that are marked or taken
  uint64_t total_ = 0;
  bool marked_ = false;
};

}  // namespace kpod::images
