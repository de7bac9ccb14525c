// One layer: a stream of a tar, compressed or not, into a directory.
#pragma once

#include <functional>
#include <string>

#include "images/helper/stream.h"

namespace kpod::images {

struct Unpacked {
  std::string diff_id;  // hex: of the uncompressed tar
  std::string blob;     // hex: of the bytes as they came
  uint64_t blob_size = 0, size = 0, entries = 0;
};

// `progress` gets the bytes read so far.
Result<Unpacked> UnpackLayer(Stream& blob, const std::string& directory,
                             const std::function<void(uint64_t)>& progress);

}  // namespace kpod::images
