// Objects as an API server would give them: what was played, and beside it what became of it -
// addresses and ports of Services, their endpoints, the status of pods.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "network/service.h"
#include "pods/status.h"
#include "store/objects.h"
#include "store/paths.h"

namespace kpod::cmd {

struct Listed {
  std::string ns, name;
  int64_t created_nanos = 0;
  Json object;
  std::vector<pods::PodRecord> pod;  // of a Pod, the one it is
};

// Of one kind; `ns` "": of every namespace. By namespace and name.
Result<std::vector<Listed>> ListObjects(const store::Paths& paths, const std::string& ns,
                                        const std::string& kind);

// Pure, for the tests.
Json CompleteService(Json object, const network::ServiceRecord& record);
Json EndpointsOf(const network::ServiceRecord& record);
std::vector<Json> SlicesOf(const network::ServiceRecord& record);

}  // namespace kpod::cmd
