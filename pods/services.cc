#include "pods/services.h"

#include <unistd.h>

#include <set>

#include "base/files.h"
#include "base/text.h"
#include "kube/decode.h"
#include "network/service.h"
#include "pods/endpoints.h"

namespace kpod::pods {

namespace {

Result<FileLock> LockServices(const store::Paths& paths) {
  TRY(MakeDirs(paths.Locks()));
  return FileLock::Acquire(paths.Locks() + "/services");
}

Result<ServiceWorld> WorldOf(const store::Paths& paths, const std::string& ns) {
  ServiceWorld world;
  store::ObjectStore objects(paths);
  for (const store::StoredObject& o : TRY(objects.List(ns, "Service")))
    world.services.push_back(kube::DecodeService(o.object));
  if (world.services.empty()) return world;
  for (const store::StoredObject& o : TRY(objects.List(ns, "Endpoints")))
    world.endpoints.push_back(kube::DecodeEndpoints(o.object));
  for (const store::StoredObject& o : TRY(objects.List(ns, "EndpointSlice")))
    world.slices.push_back(kube::DecodeEndpointSlice(o.object));
  for (network::Allocation& a : TRY(network::ListAllocations(paths))) {
    std::string name = a.name;
    if (a.ns == ns) world.allocations.emplace(std::move(name), std::move(a));
  }
  std::vector<PodRecord> records = TRY(ListPods(paths));
  std::erase_if(records, [&](const PodRecord& r) { return r.plan.ns != ns; });
  world.pods = EndpointPodsOf(records);
  char name[65] = {};
  if (::gethostname(name, sizeof(name) - 1) == 0) world.node_name = name;
  return world;
}

}  // namespace

Status SyncServices(const store::Paths& paths, const std::string& ns) {
  FileLock lock = TRY(LockServices(paths));
  ServiceWorld world = TRY(WorldOf(paths, ns));
  return network::WriteServices(paths, ns, MakeServiceRecords(world));
}

Status SyncAllServices(const store::Paths& paths) {
  std::set<std::string> namespaces;
  store::ObjectStore objects(paths);
  for (const store::StoredObject& o : TRY(objects.List("", "Service"))) namespaces.insert(o.ns);
  for (const network::ServiceRecord& s : TRY(network::ListServices(paths))) namespaces.insert(s.ns);
  for (const std::string& ns : namespaces) TRY(SyncServices(paths, ns));
  return OkStatus();
}

}  // namespace kpod::pods
