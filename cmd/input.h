// Where manifests come from: files, directories, standard input, URLs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "kube/load.h"

namespace kpod::cmd {

Result<kube::Validate> ParseValidate(const std::string& word);
struct LoadOptions {
  kube::Validate validate = kube::Validate::kWarn;
  std::string ns;  // --namespace: put on objects that name none; another one named is an error
  bool ns_given = false;
  bool quiet = false;     // print errors only
  std::string only_kind;  // another kind is an error ("--configmap")
};

// Reads all sources and prints what there is to say; an error when something is wrong with one of
// them, or when there is no object in any, and then nothing is to be done. An object that comes
// twice is taken as it comes last, with a warning.
Result<std::vector<kube::Object>> LoadSources(const std::vector<std::string>& sources,
                                              const LoadOptions& options);

// The objects that were played from this source, or that have this name ("web", "svc/web").
Result<std::vector<kube::Object>> FindPlayed(const Invocation& in, const std::string& word);

}  // namespace kpod::cmd
