// The body of an http(s) URL, by kpod-helper: libcurl and its tree stay out of kpod.
#pragma once

#include <string>

#include "base/result.h"

namespace kpod::images {

// At most 16 MiB, at most 5 redirects; a status that is not 2xx is an error which names it.
Result<std::string> FetchUrl(const std::string& url);

}  // namespace kpod::images
