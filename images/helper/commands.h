// The subcommands of kpod-helper.
#pragma once

#include <string>
#include <vector>

#include "images/helper/intake.h"

namespace kpod::images {

Status Fetch(const std::string& url);  // the body goes to standard output

Result<std::vector<Taken>> Load(const store::Paths& paths, const std::string& path,
                                const Report& report);

struct ImportRequest {
  std::string tar, name, message;
  std::vector<std::string> changes;
};
Result<std::vector<Taken>> Import(const store::Paths& paths, const ImportRequest& request,
                                  const Report& report);

struct PullRequest {
  std::string source, authfile;
  bool tls_verify = true;
};
Result<std::vector<Taken>> Pull(const store::Paths& paths, const PullRequest& request,
                                const Report& report);

}  // namespace kpod::images
