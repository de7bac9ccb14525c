// Images as rows and as JSON.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "cmd/command.h"
#include "images/images.h"

namespace kpod::cmd {

// As podman shows an image. Its names are split into those by tag and those by digest.
Json ImageJson(const images::Image& image);

// kpod images.
void ImageListOptions(po::options_description_easy_init& add);
Result<int> ListImages(Invocation& in);

}  // namespace kpod::cmd
