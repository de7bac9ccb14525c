#include "pods/services.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "kube/decode.h"
#include "network/network.h"
#include "network/publish.h"
#include "pods/allocation.h"
#include "pods/endpoints.h"
#include "pods/events.h"

namespace kpod::pods {

namespace {

Result<FileLock> LockServices(const store::Paths& paths) {
  TRY(MakeDirs(paths.Locks()));
  return FileLock::Acquire(paths.Locks() + "/services");
}

// The lock's file holds when the last one who did it for a namespace had begun: of many pods that
// become ready at once, the first and one more do the work.
Json ReadBegun(const FileLock& lock) {
  char buf[1 << 16];
  ssize_t n = ::pread(lock.fd(), buf, sizeof(buf), 0);
  Result<Json> j = ParseJson({buf, static_cast<size_t>(std::max<ssize_t>(n, 0))}, "begun");
  return j && j->is_object() ? std::move(*j) : Json::object();
}

void WriteBegun(const FileLock& lock, const Json& begun) {
  std::string text = Dump(begun);
  if (::ftruncate(lock.fd(), 0) < 0) return;
  // Half of it is as good as nothing: the next one looks in any case.
  if (::pwrite(lock.fd(), text.data(), text.size(), 0) < 0) return;
}

Status ReadAllocations(const store::Paths& paths, const std::string& ns, ServiceWorld* world) {
  world->allocations.clear();
  for (network::Allocation& a : TRY(network::ListAllocations(paths))) {
    std::string name = a.name;
    if (a.ns == ns) world->allocations.emplace(std::move(name), std::move(a));
  }
  return OkStatus();
}

void Tell(const store::Paths& paths, const kube::Service& service, const std::string& message) {
  Event e;
  e.type = "Warning";
  e.reason = "ClusterIPNotAllocated";
  e.ns = service.metadata.ns;
  e.kind = "Service";
  e.name = service.metadata.name;
  e.message = message;
  Emit(paths, std::move(e));
}

// Addresses and ports go with the object; a Service that lost its own (the ranges of the machine
// changed) gets others.
Status Reallocate(const store::Paths& paths, const std::string& ns, ServiceWorld* world) {
  std::set<std::string> names;
  std::vector<kube::Service> without;
  for (const kube::Service& s : world->services) {
    names.insert(s.metadata.name);
    if (!world->allocations.contains(s.metadata.name)) without.push_back(s);
  }
  std::erase_if(world->allocations, [&](const auto& entry) {
    if (names.contains(entry.first)) return false;
    (void)network::RemoveAllocation(paths, ns, entry.first);
    return true;
  });
  Allocator allocator(paths);
  for (const kube::Service& s : without) {
    Status given = allocator.Allocate({s});
    if (!given) Tell(paths, s, given.error().message());
  }
  if (without.empty()) return OkStatus();
  return ReadAllocations(paths, ns, world);
}

Result<ServiceWorld> WorldOf(const store::Paths& paths, const std::string& ns) {
  ServiceWorld world;
  store::ObjectStore objects(paths);
  for (const store::StoredObject& o : TRY(objects.List(ns, "Service")))
    world.services.push_back(kube::DecodeService(o.object));
  // In this order: an allocation is written after its object.
  for (const store::StoredObject& o : TRY(objects.List(ns, "Endpoints")))
    world.endpoints.push_back(kube::DecodeEndpoints(o.object));
  for (const store::StoredObject& o : TRY(objects.List(ns, "EndpointSlice")))
    world.slices.push_back(kube::DecodeEndpointSlice(o.object));
  TRY(ReadAllocations(paths, ns, &world));
  TRY(Reallocate(paths, ns, &world));
  if (world.services.empty()) return world;
  std::vector<PodRecord> records = TRY(ListPods(paths));
  std::erase_if(records, [&](const PodRecord& r) { return r.plan.ns != ns; });
  world.pods = EndpointPodsOf(records);
  char name[65] = {};
  if (::gethostname(name, sizeof(name) - 1) == 0) world.node_name = name;
  if (auto ip = TRY(network::HostOutwardAddress())) world.node_addresses = {network::Address(*ip)};
  return world;
}

}  // namespace

Status SyncServices(const store::Paths& paths, const std::string& ns, int64_t event) {
  FileLock lock = TRY(LockServices(paths));
  Json begun = ReadBegun(lock);
  const Json before = begun;
  if (event != 0 && IntAt(begun, ns) > event) return OkStatus();
  int64_t now = MonotonicNanos();
  ServiceWorld world = TRY(WorldOf(paths, ns));
  TRY(network::PublishServices(paths, ns, MakeServiceRecords(world)));
  if (world.services.empty()) {
    begun.erase(ns);
  } else {
    begun[ns] = now;
  }
  if (begun != before) WriteBegun(lock, begun);
  return OkStatus();
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
