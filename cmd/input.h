// Where manifests come from: files, directories, standard input, URLs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kube/load.h"

namespace kpod::cmd {

Result<kube::Validate> ParseValidate(const std::string& word);
// Prints the diagnostics; an error when there is one among them, and then nothing is to be done.
// With `ns_given`, `ns` is put on objects whose file names no namespace.
Result<std::vector<kube::Object>> LoadSources(const std::vector<std::string>& sources,
                                              kube::Validate validate, const std::string& ns,
                                              bool ns_given, bool quiet);

}  // namespace kpod::cmd
