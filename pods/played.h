// Objects as commands are given them, and as they are kept.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "kube/object.h"
#include "store/objects.h"

namespace kpod::pods {

std::vector<std::string> NamespacesOf(const std::vector<kube::Object>& objects);
// Locks in the order of names, so that two commands over several namespaces cannot wait for each
// other; first that of the objects outside of any namespace.
Result<std::vector<FileLock>> LockAll(const store::ObjectStore& store,
                                      const std::vector<kube::Object>& objects,
                                      const std::vector<std::string>& names);
std::string GeneratedPrefix(const Json& object);
// The object that was made of this generateName before ("": none): playing a file again is no
// second object.
Result<std::string> NameGiven(const store::ObjectStore& store, const kube::Object& o);
// A path as it is from everywhere; "-" and URLs stay as they are.
std::string AbsoluteSource(const std::string& source);

}  // namespace kpod::pods
