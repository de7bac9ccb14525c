// Where images come from: a tar (docker-archive, oci-archive) or a directory of the same files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "images/helper/stream.h"
#include "images/oci.h"

namespace kpod::images {

class Bundle {
 public:
  virtual ~Bundle() = default;
  virtual bool Has(const std::string& member) const = 0;
  virtual Result<std::unique_ptr<Stream>> Open(const std::string& member) const = 0;
  Result<std::string> Read(const std::string& member, size_t max_bytes) const;
};

// "-" is standard input. A compressed archive, or one that cannot be read twice, is first written
// uncompressed to a file in `temp`.
Result<std::unique_ptr<Bundle>> OpenBundle(const std::string& path, const std::string& temp);

// What it holds, in whichever form.
Result<std::vector<ImageSource>> ReadSources(const Bundle& bundle);

}  // namespace kpod::images
