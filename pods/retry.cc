#include "pods/retry.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/text.h"
#include "images/images.h"
#include "pods/backoff.h"
#include "pods/lookups.h"
#include "pods/pull_secrets.h"
#include "pods/reconciler.h"
#include "store/objects.h"

namespace kpod::pods {

namespace {

bool WaitsForImage(const ContainerPlan* c) { return c->blocked.reason == "ErrImagePull"; }

Status Retry(const store::Paths& paths, const Plan& plan) {
  std::map<std::string, std::string> errors;
  images::ImageStore store(paths);
  std::set<std::string> wanted;
  for (const ContainerPlan* c : plan.All()) {
    if (WaitsForImage(c)) wanted.insert(c->blocked.image);
  }
  LookupOptions quiet;
  quiet.pull = false;
  std::vector<kube::Secret> secrets =
      SecretsNamed(MakeLookups(paths, plan.ns, quiet), plan.image_pull_secrets);
  for (const std::string& image : wanted) {
    Result<images::Image> pulled = PullWith(store, image, secrets, nullptr);
    if (!pulled) errors[image] = pulled.error().message();
  }
  store::ObjectStore objects(paths);
  FileLock lock = TRY(objects.LockNamespace(plan.ns));
  ReconcileOptions options;
  options.lookups.pull = false;
  options.lookups.pull_errors = &errors;
  TRY(ReconcileNamespace(paths, plan.ns, options));
  return OkStatus();
}

// Not by the Manager, which would bring all that commands can do into every supervisor: 60 KiB of
// its private memory.
Status Replace(const store::Paths& paths, const std::string& ns) {
  store::ObjectStore objects(paths);
  FileLock lock = TRY(objects.LockNamespace(ns));
  ReconcileOptions options;
  options.lookups.pull = false;
  TRY(ReconcileNamespace(paths, ns, options));
  return OkStatus();
}

}  // namespace

bool WaitsForRetry(const Plan& plan) {
  std::vector<const ContainerPlan*> all = plan.All();
  return plan.blocked.message.starts_with("MountVolume.SetUp failed") ||
         std::any_of(all.begin(), all.end(), WaitsForImage);
}

int64_t RetryDelayNanos(int attempt) {
  int64_t delay = Backoff::kInitial;
  for (int i = 0; i < attempt && delay < Backoff::kMaximum; ++i) delay *= 2;
  return std::min(delay, Backoff::kMaximum);
}

Result<Child> StartRetry(const store::Paths& paths, const Plan& plan, const Sandbox& sandbox) {
  pid_t parent = ::getpid();
  return Fork([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) return kExitFailure;  // it died before the line above
    if (!LeavePod(sandbox)) return kExitFailure;
    return Retry(paths, plan).ok() ? kExitOk : kExitFailure;
  });
}

Status StartReplacement(const store::Paths& paths, const Plan& plan, const Sandbox& sandbox) {
  TRY(Fork([&] {
    if (!LeavePod(sandbox)) return kExitFailure;
    return Replace(paths, plan.ns).ok() ? kExitOk : kExitFailure;
  }));
  return OkStatus();
}

}  // namespace kpod::pods
