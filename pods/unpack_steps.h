// For pods/tree_unpack.cc: steps in a directory that may be hostile and may change meanwhile.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace kpod::pods {

// "./a//b/" -> {"a","b"}; an error when it leads out, or is longer than any tree should be.
Result<std::vector<std::string>> PartsOf(const std::string& path);

timespec TimeOf(int64_t nanos);
std::string TemporaryName();

// open(2) of what is below `dir`, through no link. Not valid on failure, which errno then tells.
Fd OpenBelow(int dir, const char* path, uint64_t flags);

// Whatever `name` is, with all that is in it; absent is success.
Status RemoveTreeBelow(int parent, const std::string& name);

// The bytes of the open file `from` into the file `name` that is there: one that is mounted
// (/etc/hosts, a subPath) cannot be replaced, only written.
Status WriteOver(int parent, const std::string& name, int from, const std::string& shown);

}  // namespace kpod::pods
