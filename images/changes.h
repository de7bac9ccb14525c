// Dockerfile instructions that change what an image says of its containers (import --change).
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::images {

// Applies CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR and STOPSIGNAL to the "config"
// member of an image configuration. "CMD /bin/sh -c x", "CMD [\"a\"]" and podman's "CMD=..." alike.
Status ApplyChanges(const std::vector<std::string>& changes, Json& config);

}  // namespace kpod::images
