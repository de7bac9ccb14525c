// Kubernetes Pod -> Plan: every reference resolved, every default applied, every number a number.
// Pure but for the lookups it is handed, so it is tested by tables. A reference that leads nowhere
// is no error: it blocks the container (or the pod) with Kubernetes' own reason and message until
// the object comes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "images/images.h"
#include "kube/types.h"
#include "pods/plan.h"
#include "runtime/apparmor.h"

namespace kpod::pods {

// A warning event that planning gives rise to.
struct Note {
  std::string pod, container, reason, message;
};

struct Lookups {
  std::function<std::optional<kube::ConfigMap>(const std::string& name)> config_map;
  std::function<std::optional<kube::Secret>(const std::string& name)> secret;
  std::function<std::optional<kube::ClaimSpec>(const std::string& name)> claim;
  // The Services that the pod's variables tell of; may be empty.
  std::function<std::vector<ServiceLink>()> service_links;
  struct ImageAnswer {
    std::optional<images::Image> image;
    Blocked blocked;  // why there is none
  };
  // `pull_secrets`: names of the pod's imagePullSecrets.
  std::function<ImageAnswer(const std::string& reference, const std::string& pull_policy,
                            const std::vector<std::string>& pull_secrets)>
      image;
  // What the pod's events shall say; may be empty (--dry-run).
  std::function<void(const Note& note)> note;
  std::string node_name;  // what a pod in the host's UTS namespace is called
  // What the machine has of a resource: "cpu" in thousandths, "memory" and "ephemeral-storage" in
  // bytes; 0 when it cannot tell.
  std::function<int64_t(const std::string& resource)> allocatable;
  std::function<runtime::AppArmorHost()> apparmor;  // may be empty: a machine without it
  std::function<bool()> selinux;                    // whether it is on; may be empty: it is not
  // Text of a file of the image, "" when absent (to resolve the user's name).
  std::function<std::string(const std::vector<std::string>& layers, const std::string& path)>
      image_file;
};

// "none": the pod has a loopback interface only (play kube --network none); "native" otherwise.
constexpr const char* kNetworkAnnotation = "kpod.io/network";

Plan MakePlan(const kube::Pod& pod, const Lookups& lookups);
// One container of a pod that has its plan.
ContainerPlan MakeContainerPlan(const kube::Pod& pod, const kube::Container& container,
                                const Plan& plan, const Lookups& lookups);

// "$(VAR)" from `vars`; "$$" is "$"; an unknown reference stays as it is written.
// Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
std::string Expand(std::string_view text, const kube::StringMap& vars);

// "SIGTERM", "TERM", "15", "SIGRTMIN+3" (an image's STOPSIGNAL); SIGTERM for what is none.
int SignalNumber(const std::string& name);

// A stable 64-bit fingerprint as 16 hex digits, and Kubernetes' short form for names
// ("5d4f8c7b9c").
std::string Fingerprint(std::string_view text);
std::string ShortHash(std::string_view text);

}  // namespace kpod::pods
