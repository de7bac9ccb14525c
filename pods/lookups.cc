#include "pods/lookups.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "kube/decode.h"
#include "pods/events.h"
#include "pods/pull_secrets.h"
#include "pods/service_links.h"
#include "runtime/selinux.h"

namespace kpod::pods {

namespace {

std::optional<Json> FindObject(const store::ObjectStore& objects,
                               const std::vector<store::StoredObject>* overlay,
                               const std::string& ns, const char* kind, const std::string& name) {
  if (overlay != nullptr) {
    for (const store::StoredObject& o : *overlay) {
      if (o.ns == ns && o.kind == kind && o.name == name) return o.object;
    }
  }
  Result<std::optional<store::StoredObject>> found = objects.Get(ns, kind, name);
  if (!found || !*found) return std::nullopt;
  return (*found)->object;
}

std::vector<ServiceLink> FindLinks(const store::Paths& paths, const store::ObjectStore& objects,
                                   const std::string& ns) {
  std::vector<kube::Service> services;
  auto stored = objects.List(ns, "Service");
  if (!stored || stored->empty()) return {};
  for (const store::StoredObject& o : *stored) services.push_back(kube::DecodeService(o.object));
  auto allocations = network::ListAllocations(paths);
  if (!allocations) return {};
  return LinksOf(services, *allocations);
}

// One process asks for an image once, however many containers name it.
struct ImageCache {
  std::map<std::string, Lookups::ImageAnswer> answers;
};

Lookups::ImageAnswer FindImage(const images::ImageStore& store, const std::string& reference,
                               const std::string& policy, const LookupOptions& options,
                               const std::function<std::vector<kube::Secret>()>& secrets) {
  Lookups::ImageAnswer answer;
  Result<images::Reference> parsed = images::ParseReference(reference);
  if (!parsed) {
    answer.blocked = {"InvalidImageName", StrCat("couldn't parse image name \"", reference,
                                                 "\": ", parsed.error().message())};
    return answer;
  }
  Result<images::Image> found = store.FindToRun(reference);
  bool pull = options.pull && policy != "Never" && (policy == "Always" || !found);
  if (pull) {
    Result<images::Image> pulled = PullWith(store, reference, secrets(), options.progress);
    if (pulled) {
      answer.image = std::move(*pulled);
      return answer;
    }
    if (!found) {
      answer.blocked = {
          "ErrImagePull",
          StrCat("failed to pull image \"", reference, "\": ", pulled.error().message()),
          reference};
      return answer;
    }
    if (options.warnings != nullptr) {
      options.warnings->push_back(StrCat(
          "image ", reference,
          " could not be pulled (imagePullPolicy: Always), so the copy on this machine is used: ",
          pulled.error().message()));
    }
  }
  if (found) {
    answer.image = std::move(*found);
  } else if (policy == "Never") {
    answer.blocked = {"ErrImageNeverPull", StrCat("Container image \"", reference,
                                                  "\" is not present with pull policy of Never")};
  } else {
    answer.blocked = {"ErrImagePull", StrCat("image \"", reference, "\" is not on this machine"),
                      reference};
    if (options.pull_errors != nullptr && options.pull_errors->contains(reference)) {
      answer.blocked.message =
          StrCat("failed to pull image \"", reference, "\": ", options.pull_errors->at(reference));
    }
  }
  return answer;
}

int64_t Allocatable(const store::Paths& paths, const std::string& resource) {
  if (resource == "cpu") return ::sysconf(_SC_NPROCESSORS_ONLN) * 1000;
  if (resource == "memory") return ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  struct statvfs disk;
  if (resource != "ephemeral-storage" || ::statvfs(paths.root.c_str(), &disk) < 0) return 0;
  return static_cast<int64_t>(disk.f_blocks * disk.f_frsize);
}

}  // namespace

Lookups MakeLookups(const store::Paths& paths, const std::string& ns,
                    const LookupOptions& options) {
  auto objects = std::make_shared<store::ObjectStore>(paths);
  auto images = std::make_shared<images::ImageStore>(paths);
  auto cache = std::make_shared<ImageCache>();
  Lookups l;
  auto overlay = options.overlay;
  l.config_map = [=](const std::string& name) -> std::optional<kube::ConfigMap> {
    auto json = FindObject(*objects, overlay, ns, "ConfigMap", name);
    if (!json) return std::nullopt;
    return kube::DecodeConfigMap(*json);
  };
  l.secret = [=](const std::string& name) -> std::optional<kube::Secret> {
    auto json = FindObject(*objects, overlay, ns, "Secret", name);
    if (!json) return std::nullopt;
    return kube::DecodeSecret(*json);
  };
  l.claim = [=](const std::string& name) -> std::optional<kube::ClaimSpec> {
    auto json = FindObject(*objects, overlay, ns, "PersistentVolumeClaim", name);
    if (!json) return std::nullopt;
    return kube::DecodePersistentVolumeClaim(*json).spec;
  };
  l.selinux = [] { return runtime::IsSelinuxOn(); };
  l.apparmor = [] { return runtime::ReadAppArmorHost(); };
  auto links = std::make_shared<std::optional<std::vector<ServiceLink>>>();
  l.service_links = [=] {
    if (!*links) *links = FindLinks(paths, *objects, ns);
    return **links;
  };
  l.image = [=, secret = l.secret](const std::string& reference, const std::string& policy,
                                   const std::vector<std::string>& names) {
    std::string key = StrCat(policy, " ", reference, " ", Join(names, ","));
    auto it = cache->answers.find(key);
    if (it != cache->answers.end()) return it->second;
    Lookups only_secrets;
    only_secrets.secret = secret;
    auto secrets = [&] { return SecretsNamed(only_secrets, names); };
    return cache->answers.emplace(key, FindImage(*images, reference, policy, options, secrets))
        .first->second;
  };
  if (options.events) {
    l.note = [paths, ns](const Note& note) {
      Event e;
      e.type = "Warning";
      e.reason = note.reason;
      e.ns = ns;
      e.name = note.pod;
      e.container = note.container;
      e.message = note.message;
      Emit(paths, std::move(e));
    };
  }
  char node_name[65] = {};
  if (::gethostname(node_name, sizeof(node_name) - 1) == 0) l.node_name = node_name;
  l.allocatable = [paths](const std::string& resource) { return Allocatable(paths, resource); };
  l.image_file = [](const std::vector<std::string>& layers, const std::string& path) {
    return images::ReadImageFile(layers, path);
  };
  return l;
}

std::vector<kube::Secret> SecretsNamed(const Lookups& lookups,
                                       const std::vector<std::string>& names) {
  std::vector<kube::Secret> out;
  for (const std::string& name : names) {
    if (auto found = lookups.secret(name)) out.push_back(std::move(*found));
  }
  return out;
}

}  // namespace kpod::pods
