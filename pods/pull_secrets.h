// imagePullSecrets: the logins in Secrets of the types kubernetes.io/dockerconfigjson and
// kubernetes.io/dockercfg, and which of them an image is pulled with.
// Source: k8s.io/kubernetes/pkg/credentialprovider (keyring.go, config.go) and "Pull an Image from
// a Private Registry" of Kubernetes' documentation.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "images/images.h"
#include "kube/types.h"

namespace kpod::pods {

// The entries of an auth.json that match the image, in the order in which they are to be tried: the
// longest key first, and of equal keys the earlier Secret's. A key is HOST[:PORT][/PATH]; a part of
// the host may be a pattern ("*.example.com"). What is no login is passed over. Pure.
std::vector<Json> LoginsFor(const images::Reference& image,
                            const std::vector<kube::Secret>& secrets);

// Pulls with each login in turn; without one that matches, with those of this machine. No login is
// ever in a file that others could find: the puller is handed memory.
Result<images::Image> PullWith(const images::ImageStore& store, const std::string& reference,
                               const std::vector<kube::Secret>& secrets,
                               const images::Progress& progress);

}  // namespace kpod::pods
