// System call filters: an OCI profile compiled by libseccomp to a BPF program, kept compiled (it
// takes 1-5 ms to compile, loading it takes 0.1 ms).
#pragma once

#include <linux/filter.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kpod::runtime {

struct SeccompFilter {
  std::vector<sock_filter> program;  // empty: no filter
  unsigned flags = 0;                // SECCOMP_FILTER_FLAG_*
  // System calls that this libseccomp does not know; they are skipped.
  std::vector<std::string> unknown;
};

// `profile` null and not `use_default`: no filter. `capabilities` are those that the default
// profile opens system calls for. With a `cache_dir` the program is kept there, in a directory that
// must be the caller's own with mode 0700; what lies there is executed in the kernel, so a file
// that is not the caller's is not taken.
Result<std::shared_ptr<const SeccompFilter>> FindFilter(
    const Json& profile, bool use_default, const std::vector<std::string>& capabilities,
    const std::string& cache_dir);
Result<SeccompFilter> CompileFilter(const Json& profile);
Status LoadFilter(const SeccompFilter& filter);

}  // namespace kpod::runtime
