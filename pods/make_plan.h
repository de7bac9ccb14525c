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

namespace kpod::pods {

struct Lookups {
  std::function<std::optional<kube::ConfigMap>(const std::string& name)> config_map;
  std::function<std::optional<kube::Secret>(const std::string& name)> secret;
  std::function<bool(const std::string& name)> claim_exists;
  struct ImageAnswer {
    std::optional<images::Image> image;
    Blocked blocked;  // why there is none
  };
  std::function<ImageAnswer(const std::string& reference, const std::string& pull_policy)> image;
  // Text of a file of the image, "" when absent (to resolve the user's name).
  std::function<std::string(const std::vector<std::string>& layers, const std::string& path)>
      image_file;
};

// "none": the pod has a loopback interface only (play kube --network none); "native" otherwise.
constexpr const char* kNetworkAnnotation = "kpod.io/network";

Plan MakePlan(const kube::Pod& pod, const Lookups& lookups);

// "$(VAR)" from `vars`; "$$" is "$"; an unknown reference stays as it is written.
// Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
std::string Expand(std::string_view text, const kube::StringMap& vars);

// The effective capability set, with CAP_: the runtime's defaults, less drop, plus add ("ALL" is
// all).
std::vector<std::string> EffectiveCapabilities(const kube::SecurityContext& context);

// A stable 64-bit fingerprint as 16 hex digits, and Kubernetes' short form for names
// ("5d4f8c7b9c").
std::string Fingerprint(std::string_view text);
std::string ShortHash(std::string_view text);

}  // namespace kpod::pods
