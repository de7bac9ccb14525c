// The shared material that tests look for: real manifests and Kubernetes' published schema.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"

namespace kpod::kube {

// The directory, or "" when this machine does not have it.
inline std::string SharedDir() {
  const char* named = std::getenv("KPOD_SHARED");
  std::string path = named != nullptr ? named : KPOD_SOURCE_DIR "/../shared";
  return IsDirectory(path + "/corpus") ? path : "";
}

#define SKIP_WITHOUT_SHARED()                                                             \
  if (::kpod::kube::SharedDir().empty()) {                                                \
    GTEST_SKIP() << "no shared manifests: neither ../shared nor $KPOD_SHARED holds them"; \
  }

struct Manifest {
  std::string path, kinds, stratum, verdict;  // path below corpus/
  std::string text;
};

// The rows of MANIFEST.tsv whose files are there.
inline std::vector<Manifest> Corpus() {
  std::vector<Manifest> corpus;
  auto table = ReadFile(SharedDir() + "/corpus/MANIFEST.tsv");
  if (!table) return corpus;
  for (const std::string& line : Split(*table, '\n')) {
    std::vector<std::string> row = Split(line, '\t');
    if (row.size() < 8 || row[0] == "path") continue;
    auto text = ReadFile(SharedDir() + "/corpus/" + row[0]);
    if (text) corpus.push_back({row[0], row[4], row[6], row[7], *text});
  }
  return corpus;
}

}  // namespace kpod::kube
